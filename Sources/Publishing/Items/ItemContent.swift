internal import AMQP

/// The properties and the body of an item.
package struct ItemContent {
  /// The properties of this item, if it does not have those that all items share.
  let properties: ItemProperties?
  let body: InputBody
  /// The memory that the content takes, in bytes.
  let sizeInMemory: Int

  init(_ body: InputBody) {
    properties = nil
    self.body = body
    sizeInMemory = body.isOpenFile ? 0 : Int(clamping: body.size)
  }

  init(_ body: InputBody, _ properties: BasicProperties, sizeInMemory: Int) {
    self.properties = ItemProperties(properties)
    self.body = body
    self.sizeInMemory = sizeInMemory
  }
}

/// The properties that an item does not share with the others. They are kept by reference: an item is copied several times
/// until it is sent, and properties are expensive to copy even if they are nil.
final class ItemProperties {
  let value: BasicProperties

  init(_ value: BasicProperties) { self.value = value }
}
