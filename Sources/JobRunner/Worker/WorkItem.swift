package import AMQP
internal import Broker
internal import Console
internal import Linux

/// One message as a unit of work. Its body is apart: only the worker and a copy need it.
package struct WorkItem: Hashable, Sendable {
  package var envelope: Envelope
  package var properties: BasicProperties
  package var queue: String
  /// Tells the body from others, where that was asked for.
  package var digest: Int?
  /// Its body is larger than the runner takes.
  var isTooLarge = false

  package init(envelope: Envelope, properties: BasicProperties, queue: String, digest: Int? = nil) {
    self.envelope = envelope
    self.properties = properties
    self.queue = queue
    self.digest = digest
  }

  /// The message's own id, where it has one.
  package var id: String? { properties.messageID?.description }

  /// As the worker sees it, whatever way the item has come since.
  var firstPublish: FirstPublish { FirstPublish(of: properties, envelope, from: WorkQueue(queue)) }

  // MARK: Attempts

  /// How often the broker counts that the item came back; nil for a queue that does not count. What an item brings
  /// along that did not come back is another queue's count, which RabbitMQ 4 lets stand.
  private var deliveryCount: Int? { envelope.isRedelivered ? count(in: "x-delivery-count") : nil }

  /// A header that counts. Anybody can write headers, so it may hold anything.
  private func count(in header: ByteString) -> Int? {
    properties.headers?[header]?.integer.map { Int(min(max(0, $0), Int64(Int32.max))) }
  }

  /// Which attempt at the item this is, 1 the first.
  package var attempt: Int { (count(in: ItemHeader.attempts) ?? 0) + returns + 1 }

  /// How often it came back itself, since it was published or copied. Quorum queues count that. Classic queues only remember
  /// that it did: then it was once at least.
  private var returns: Int { deliveryCount ?? (hasUncountedReturn ? 1 : 0) }

  /// How its last attempt came out, as far as the item can tell: a runner that publishes a copy says it there.
  var lastAttempt: DeadLetterCause {
    returns > 0
      ? DeadLetterCause(reason: .cameBack) : properties.headers?.lastAttempt ?? DeadLetterCause(reason: .unknown)
  }

  /// It came from the retry queue, whoever has had it since, and so has a mark.
  var isMarked: Bool {
    properties.headers?["x-first-death-queue"] == .string(ByteString(WorkQueue(queue).retryName))
  }

  /// It came back to a queue that does not count how often. (RabbitMQ 4.3 counts what was given back without a failure
  /// apart, in x-acquired-count.)
  var hasUncountedReturn: Bool {
    envelope.isRedelivered && deliveryCount == nil && count(in: "x-acquired-count") == nil
  }

  /// A broker's limit may drop an item that comes back too often, silently (RabbitMQ 4.x, the 21st time).
  var nearsDeliveryLimit: Bool { (deliveryCount ?? 0) >= Self.mostReturns }

  /// How many returns an item may have before it is put back as a copy, of which nothing has been counted.
  static let mostReturns = 10

  // MARK: Copies

  /// The properties of the copy that a move publishes: without what the broker added, and what would send it elsewhere
  /// too. `host` and `time`, in seconds since 1970, are for dead letters.
  package func properties(for move: Move, host: String, time: UInt64) -> BasicProperties {
    if move.destination == .queue, properties.undecodable != nil { return properties }
    var copy = properties.withUndecodableAsHeader().copied(adding: firstPublish.headers)
    var headers = copy.headers ?? [:]
    switch move.destination {
    case .queue:
      headers.append(ItemHeader.attempts, .int64(Int64(move.attempts)))
      headers.entries += lastAttempt.headers
    case .retry(let delay, let cause):
      headers.append(ItemHeader.attempts, .int64(Int64(move.attempts)))
      headers.entries += cause.headers
      copy.expiration = ByteString("\(max(0, delay.wholeMilliseconds))")
    case .deadLetter(let cause), .deadLetterExchange(_, let cause):
      copy.expiration = nil
      var letter = DeadLetter(cause.reason, queue: queue, attempts: move.attempts)
      (letter.status, letter.signal) = (cause.exitCode, cause.signal)
      letter.standardError = cause.standardError
      letter.host = host
      letter.time = time
      headers.entries += letter.headers
    }
    copy.headers = headers
    return copy
  }
}
