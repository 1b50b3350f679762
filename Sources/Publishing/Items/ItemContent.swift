internal import AMQP

/// The properties and the body of an item.
package struct ItemContent {
  /// The properties of this item, if it does not have those that all items share.
  var properties: BasicProperties?
  let body: InputBody
  /// The memory that the content takes, in bytes.
  let sizeInMemory: Int

  init(_ body: InputBody) {
    self.body = body
    sizeInMemory = body.isOpenFile ? 0 : Int(clamping: body.size)
  }

  init(_ body: InputBody, _ properties: BasicProperties, sizeInMemory: Int) {
    self.properties = properties
    self.body = body
    self.sizeInMemory = sizeInMemory
  }
}
