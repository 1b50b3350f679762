internal import AMQP

/// A message that is to be published.
struct Item {
  /// The position of the item in its source, counted from 1.
  var number: Int
  var messageID: ByteString?
  /// The timestamp of an item that has none of its own, if it gets one.
  var timestamp: UInt64?
  /// When the item is to be in its queue; nil for at once.
  var due: ContinuousClock.Instant?
  /// The correlation id of this item alone, if it gets one.
  var correlationID: ByteString?
  /// The properties of this item, if it does not have those that all items share.
  var properties: ItemProperties?
  var body: InputBody
  /// The memory that the item takes, in bytes.
  var sizeInMemory: Int

  init(number: Int, messageID: ByteString?, correlationID: ByteString? = nil, _ content: ItemContent) {
    self.number = number
    self.correlationID = correlationID
    self.messageID = messageID
    properties = content.properties
    body = content.body
    sizeInMemory = content.sizeInMemory
  }
}
