internal import AMQP

/// The bodies of the items in hand, by slot. Large ones come in parts, and are kept in files.
struct Bodies {
  private let directory: String
  private var held: [Int: ItemBody] = [:]
  private var incoming: [Int: BodySpool] = [:]

  init(directory: String) { self.directory = directory }

  subscript(slot: Int) -> ItemBody? { held[slot] }

  /// Takes the next bytes of a large body; `size` is the whole body's.
  mutating func append(_ part: [UInt8], of size: UInt64, slot: Int) {
    incoming[slot, default: BodySpool(directory: directory)].append(part, of: size)
  }

  /// Keeps the body of an item whose last part has come; nil where the slot has an item already.
  /// - Throws: `SystemError`: it could not be stored.
  mutating func keep(_ delivery: Delivery, slot: Int) throws -> ItemBody? {
    let body = try incoming[slot, default: BodySpool(directory: directory)].body(of: delivery)
    guard held[slot] == nil else { return nil }
    held[slot] = body
    return body
  }

  mutating func release(slot: Int) { held[slot] = nil }

  /// The channel has ended, and with it what had come in part.
  mutating func discardIncoming(slot: Int) { incoming[slot] = nil }

  /// The connection has ended.
  mutating func discardIncoming() { incoming = [:] }
}
