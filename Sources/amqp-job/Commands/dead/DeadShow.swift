import AMQP
import Broker
import Console
import JobRunner
import Linux

/// `amqp-job dead show`: writes the body of one dead letter, or another part of it.
struct DeadShow {
  enum Part {
    case body
    /// The end of what its worker wrote to standard error.
    case standardError
    /// Everything but the body.
    case json
  }

  private static let pieceSize = 65_536

  private let dead: Dead
  private let selection: DeadSelection
  private let part: Part

  /// `filter` selects one item.
  init(_ dead: Dead, _ filter: DeadLetterFilter, _ part: Part) {
    self.dead = dead
    selection = DeadSelection(filter)
    self.part = part
  }

  private struct Found {
    let delivery: Delivery
    /// nil if the body is not asked for, or could not be stored.
    let body: ReceivedBody?
  }

  /// - Throws: `Failure`
  func run() throws {
    let session = try dead.conversation.connect(largestBodyInMemory: part != .body ? 0 : Spooling.largestInMemory)
    let (found, storingError) = try search(session)
    // The items are given back before the output is written, since its reader may be slow.
    session.close()
    guard let found else {
      throw selection.failure(in: dead.place(session)) ?? Failure(.failure, "no such item in \(dead.place(session))")
    }
    switch part {
    case .body: try writeBody(of: found, storingError)
    case .json:
      let item = DeadItem(found.delivery, at: selection.position(of: found.delivery))
      try Output.write("\(item.whole(found.delivery))\n")
    case .standardError:
      guard let text = DeadLetter(headers: found.delivery.properties.headers).standardError else {
        throw Failure(
          .failure,
          "the item \(whatIsMeant) came without its worker's standard error ('amqp-job run --keep-stderr' keeps it)")
      }
      try Output.write(text)
    }
  }

  /// Finds the item. The error says why its body could not be stored.
  private func search(_ session: BrokerSession) throws -> (Found?, storingError: SystemError?) {
    let depth = try dead.depth(session)
    let method = try dead.readingMethod(session)
    var spool = BodyCollector(directory: dead.spoolDirectory)
    var found: Found?
    var storingError: SystemError?
    try dead.scan(
      session, depth: depth, by: method, wantsMore: { found == nil && !selection.isPast },
      onPart: { delivery, part in
        guard self.part == .body, found == nil, storingError == nil, selection.contains(delivery) else { return }
        do throws(SystemError) { try spool.append(part, of: delivery.bodySize) } catch { storingError = error }
      },
      visit: { delivery in
        if found == nil, selection.contains(delivery) {
          found = Found(delivery: delivery, body: part != .body ? nil : spool.body(of: delivery))
        }
        return .keep
      })
    return (found, storingError)
  }

  private func writeBody(of found: Found, _ storingError: SystemError?) throws {
    guard let body = found.body else {
      let reason = storingError?.reason ?? "unknown"
      throw Failure(
        .inputOutputError,
        "the item \(whatIsMeant) cannot be stored in \(dead.spoolDirectory) (TMPDIR): \(reason)")
    }
    try write(body)
  }

  private var whatIsMeant: String {
    selection.filter.positions.map { "at the position \($0.last)" }
      ?? "with the id \(selection.filter.ids.map { "'\($0)'" }.joined())"
  }

  private func write(_ body: ReceivedBody) throws {
    var offset: UInt64 = 0
    while offset < body.size {
      let bytes: [UInt8]
      do { bytes = try body.read(at: offset, atMost: Self.pieceSize) } catch {
        throw Failure(.inputOutputError, "the body cannot be read: \(error.reason)")
      }
      try Output.write(bytes)
      offset += UInt64(bytes.count)
    }
  }
}

extension DeadItem {
  /// Everything that is known of the item but its body. The names are those of `publish --jsonl`.
  fileprivate func whole(_ delivery: Delivery) -> JSON {
    .object(
      members + [
        .init("exchange", .text(delivery.envelope.exchange.description)),
        .init("routing_key", .text(delivery.envelope.routingKey.description)),
        .init("properties", JSON(properties: delivery.properties)),
        .init("headers", JSON(headers: delivery.properties.headers ?? [:])),
      ])
  }
}
