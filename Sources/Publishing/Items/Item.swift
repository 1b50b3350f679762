internal import AMQP

/// A message that is to be published.
struct Item {
  /// The position of the item in its source, counted from 1.
  var number: Int
  var messageID: ByteString?
  /// The properties of this item, if it does not have those that all items share.
  var properties: ItemProperties?
  var body: InputBody
  /// The memory that the item takes, in bytes.
  var sizeInMemory: Int

  /// The correlation id of the result of the item's worker.
  var resultID: ByteString? { properties?.value.correlationID ?? messageID }

  init(number: Int, messageID: ByteString?, _ content: ItemContent) {
    self.number = number
    self.messageID = messageID
    properties = content.properties
    body = content.body
    sizeInMemory = content.sizeInMemory
  }
}
