internal import AMQP
internal import Linux

/// The items of a source, numbered from 1. Items at the beginning are skipped if the configuration says so, and items
/// without a message id get one.
struct NumberedItems {
  private var source: any ItemSource
  private let skip: Int
  private let givesIDs: Bool
  private let timestamp: (() -> UInt64)?
  private let dueTime: DueTime?
  private let correlationID: ((Int) -> ByteString)?
  /// The message id of items that have no properties of their own.
  private let sharedID: ByteString?
  private let idPrefix: [UInt8]
  /// The number of items that the source had so far, including those that were skipped.
  private(set) var count = 0

  init(_ source: any ItemSource, _ configuration: BatchConfiguration) {
    self.source = source
    skip = configuration.skip
    givesIDs = configuration.givesIDs
    timestamp = configuration.timestamp
    dueTime = configuration.dueTime
    correlationID = configuration.correlationID
    sharedID = configuration.properties.messageID
    idPrefix = Array("\(String(UInt64.random(in: .min ... .max), radix: 16))-".utf8)
  }

  var interest: PollInterest? { source.interest }
  var isAtEnd: Bool { source.isAtEnd }

  mutating func read() throws(InputError) { try source.read() }

  mutating func next() throws(InputError) -> Item? {
    while let content = try source.next() {
      count += 1
      guard count > skip else { continue }
      var item = Item(
        number: count, messageID: messageID(content.properties), correlationID: correlationID?(count), content)
      item.timestamp = timestamp?()
      item.due = dueTime?.time(now: .now)
      return item
    }
    return nil
  }

  private func messageID(_ properties: ItemProperties?) -> ByteString? {
    if let given = properties.map(\.value.messageID) ?? sharedID { return given }
    guard givesIDs else { return nil }
    var id = idPrefix
    id.append(contentsOf: "\(count)".utf8)
    return ByteString(id)
  }
}
