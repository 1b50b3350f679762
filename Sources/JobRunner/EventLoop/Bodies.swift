internal import AMQP
internal import Broker
internal import Linux

/// The bodies of the items in hand, by slot. Large ones come in parts, and are kept in files.
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
  /// What cannot be stored, for a copy to be made of it.
  private var passing: [Int: StreamedBody] = [:]

  /// `areNamed`: each is to be had in a file with a name, too.
  /// What is larger than `largest` is not stored.
  init(directory: String, areNamed: Bool = false, largest: UInt64 = .max) {
    self.directory = directory
    self.largest = largest
    self.areNamed = areNamed
  }

  subscript(slot: Int) -> ReceivedBody? { held[slot]?.body }

  /// For a copy of the slot's item.
  func source(slot: Int) -> (any MessageBody)? { held[slot]?.body ?? passing[slot] }

  /// The path of the body's file.
  func path(slot: Int) -> String? { held[slot]?.file?.path }

  /// So much waits to be taken into copies that nothing should be added to it.
  var areFull: Bool { passing.values.reduce(0) { $0 + $1.waitingCount } >= StreamedBody.maxWaiting }

  /// A message has begun whose body comes in parts.
  mutating func announce(_ delivery: Delivery, slot: Int) {
    incoming[slot, default: BodyCollector(directory: directory, maxSize: largest)].announce(delivery)
  }

  /// Takes the next bytes of a large body; `size` is the whole body's. Returns the message, and why its body cannot be
  /// stored, once that shows.
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

  /// The body of an item whose last part has come; nil for one that could not be stored.
  mutating func complete(_ delivery: Delivery, slot: Int) -> ReceivedBody? {
    incoming[slot, default: BodyCollector(directory: directory, maxSize: largest)].body(of: delivery)
  }

  /// Keeps a body, unless the slot has one already.
  /// - Throws: `SystemError`: the file with a name could not be made; the body itself is kept.
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

  /// The channel has ended, and with it what had come in part.
  mutating func discardIncoming(slot: Int) { incoming.removeValue(forKey: slot)?.streamed?.discard() }

  /// The connection has ended.
  mutating func discardIncoming() {
    for slot in Array(incoming.keys) { discardIncoming(slot: slot) }
  }
}
