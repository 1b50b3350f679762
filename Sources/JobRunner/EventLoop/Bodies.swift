internal import AMQP
internal import Broker
internal import Linux

/// The bodies of the items in hand, by slot. Large ones come in parts, and are kept in files.
struct Bodies {
  private struct Held {
    let body: ItemBody
    let file: NamedFile?
  }

  private let directory: String
  private let areNamed: Bool
  private var held: [Int: Held] = [:]
  private var incoming: [Int: BodySpool] = [:]

  /// `areNamed`: each is to be had in a file with a name, too.
  init(directory: String, areNamed: Bool = false) {
    self.directory = directory
    self.areNamed = areNamed
  }

  subscript(slot: Int) -> ItemBody? { held[slot]?.body }

  /// The path of the body's file.
  func path(slot: Int) -> String? { held[slot]?.file?.path }

  /// Takes the next bytes of a large body; `size` is the whole body's.
  mutating func append(_ part: [UInt8], of size: UInt64, slot: Int) {
    incoming[slot, default: BodySpool(directory: directory)].append(part, of: size)
  }

  /// Keeps the body of an item whose last part has come; nil where the slot has an item already.
  /// - Throws: `SystemError`: it could not be stored.
  mutating func keep(_ delivery: Delivery, slot: Int) throws -> ItemBody? {
    let body = try incoming[slot, default: BodySpool(directory: directory)].body(of: delivery)
    guard held[slot] == nil else { return nil }
    held[slot] = Held(body: body, file: areNamed ? try body.named(in: directory) : nil)
    return body
  }

  mutating func release(slot: Int) { held.removeValue(forKey: slot)?.file?.remove() }

  mutating func releaseAll() {
    for slot in held.keys { release(slot: slot) }
  }

  /// The channel has ended, and with it what had come in part.
  mutating func discardIncoming(slot: Int) { incoming[slot] = nil }

  /// The connection has ended.
  mutating func discardIncoming() { incoming = [:] }
}
