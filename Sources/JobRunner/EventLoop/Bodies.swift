internal import AMQP
internal import Broker
internal import Linux

/// The bodies of the items in hand, by slot. Large bodies come in parts and are kept in files.
struct Bodies {
  private struct Held {
    let body: ReceivedBody
    var file: NamedFile?
  }

  private let directory: String
  private let areNamed: Bool
  private let largest: UInt64
  private var held: [Int: Held] = [:]
  private var incoming: [Int: BodyCollector] = [:]
  /// The bodies that cannot be stored, and are passed on into copies.
  private var passing: [Int: StreamedBody] = [:]

  /// With `areNamed`, each body is also kept in a file with a name. A body larger than `largest` is not stored.
  init(directory: String, areNamed: Bool = false, largest: UInt64 = .max) {
    self.directory = directory
    self.largest = largest
    self.areNamed = areNamed
  }

  subscript(slot: Int) -> ReceivedBody? { held[slot]?.body }

  /// The body for a copy of the slot's item.
  func source(slot: Int) -> (any MessageBody)? { held[slot]?.body ?? passing[slot] }

  /// The path of the body's file.
  func path(slot: Int) -> String? { held[slot]?.file?.path }

  /// So many bytes wait to be passed on into copies that no more should be read.
  var areFull: Bool { passing.values.reduce(0) { $0 + $1.waitingCount } >= StreamedBody.maxWaiting }

  /// A message has begun whose body will come in parts.
  mutating func announce(_ delivery: Delivery, slot: Int) {
    incoming[slot, default: BodyCollector(directory: directory, maxSize: largest)].announce(delivery)
  }

  /// Takes the next part of a large body, whose whole size is `size`. If the body cannot be stored, returns the message and the
  /// reason.
  mutating func append(_ part: [UInt8], of size: UInt64, slot: Int) -> (message: Delivery, reason: String)? {
    do {
      try incoming[slot, default: BodyCollector(directory: directory, maxSize: largest)].append(part, of: size)
      return nil
    } catch {
      let spool = incoming[slot]
      if held[slot] == nil, passing[slot] == nil { passing[slot] = spool?.streamed } else { spool?.streamed?.discard() }
      return spool?.announced.map { ($0, SystemError.reason(of: error)) }
    }
  }

  /// The complete body of an item; nil if it could not be stored.
  mutating func complete(_ delivery: Delivery, slot: Int) -> ReceivedBody? {
    incoming[slot, default: BodyCollector(directory: directory, maxSize: largest)].body(of: delivery)
  }

  /// Keeps a body, unless the slot has one already.
  /// - Throws: `SystemError` if the file with a name could not be made. The body itself is kept.
  mutating func keep(_ body: ReceivedBody, slot: Int) throws {
    guard held[slot] == nil else { return }
    held[slot] = Held(body: body)
    if areNamed { held[slot]?.file = try body.named(in: directory) }
  }

  mutating func release(slot: Int) {
    held.removeValue(forKey: slot)?.file?.remove()
    passing.removeValue(forKey: slot)?.discard()
  }

  mutating func releaseAll() {
    for slot in Set(held.keys).union(passing.keys) { release(slot: slot) }
  }

  /// The channel has ended, and the parts that have come are discarded.
  mutating func discardIncoming(slot: Int) { incoming.removeValue(forKey: slot)?.streamed?.discard() }

  /// The connection has ended.
  mutating func discardIncoming() {
    for slot in Array(incoming.keys) { discardIncoming(slot: slot) }
  }
}
