package import AMQP
internal import Broker
internal import Console
internal import Linux
package import Telemetry

/// One message as a unit of work. Its body is kept elsewhere, because only the worker and a copy need it.
package struct WorkItem: Hashable, Sendable {
  package var envelope: Envelope
  package var properties: BasicProperties
  package var queue: String
  /// The size of the body in bytes.
  package var bodySize: UInt64 = 0
  /// The digest of the body, if one was asked for.
  package var digest: Int?
  /// The span of the attempt at the item, if there is one.
  package var span: SpanContext?
  /// The body is larger than the runner takes.
  var isTooLarge = false
  /// When the item came, in seconds since 1970-01-01T00:00:00Z.
  var receivedAt: UInt64 = 0
  /// Why no worker can get the body in the way that was asked for.
  var unfitReason: String?

  package init(envelope: Envelope, properties: BasicProperties, queue: String, digest: Int? = nil) {
    self.envelope = envelope
    self.properties = properties.withoutDelay()
    self.queue = queue
    self.digest = digest
  }

  /// The message id, if the message has one.
  package var id: String? { properties.messageID?.description }

  /// How the item was first published, which is what the worker sees, even if the item was copied since.
  var firstPublish: FirstPublish { FirstPublish(of: properties, envelope, from: WorkQueue(queue)) }

  // MARK: Age

  /// The item was certainly older than this when it came. AMQP gives times in whole seconds, so its age counts from the end of the
  /// second in which it was published, or put back by `dead replay`. An item without a timestamp has no age.
  func isOlder(than age: Duration) -> Bool {
    guard let published = properties.timestamp else { return false }
    let start = max(published, replayTime ?? 0)
    return receivedAt > start && .seconds(receivedAt - start - 1) >= age
  }

  private var replayTime: UInt64? { properties.headers?.time(ItemHeader.replayTime) }

  // MARK: Attempts

  /// How often the item came back, as the broker counts it; nil for a queue that does not count. An item that did not come back may
  /// have the count of another queue, which RabbitMQ 4 leaves in place.
  private var deliveryCount: Int? { envelope.isRedelivered ? count(in: "x-delivery-count") : nil }

  /// The value of a header that holds a count. Anybody can write headers, so it may hold anything.
  private func count(in header: ByteString) -> Int? {
    properties.headers?[header]?.integer.map { Int(min(max(0, $0), Int64(Int32.max))) }
  }

  /// Which attempt at the item this is. The first one is 1.
  package var attempt: Int { (isRecordOfQueue ? count(in: ItemHeader.attempts) ?? 0 : 0) + returns + 1 }

  /// What the headers record about attempts happened in this queue. A result, or a dead letter that somebody moved, may come from
  /// another queue and names it. The copies that come back to their queue name none.
  private var isRecordOfQueue: Bool {
    guard let name = properties.headers?.string(ItemHeader.queue) else { return true }
    return name == ByteString(queue)
  }

  /// How often the item came back since it was published or copied. Quorum queues count that. Classic queues only remember that it
  /// did, so it was at least once.
  private var returns: Int { deliveryCount ?? (hasUncountedReturn ? 1 : 0) }

  /// How the last attempt came out, as far as the item's headers say. A runner that publishes a copy writes them.
  var lastAttempt: DeadLetterCause {
    guard returns == 0 else { return DeadLetterCause(reason: .cameBack) }
    return (isRecordOfQueue ? properties.headers?.lastAttempt : nil) ?? DeadLetterCause(reason: .unknown)
  }

  /// The item has been in a retry queue, so it has a mark.
  var isMarked: Bool {
    guard case .string(let name)? = properties.headers?["x-first-death-queue"] else { return false }
    return WorkQueue(queue).isRetryName(name.description)
  }

  /// The item came back to a queue that does not count how often. RabbitMQ 4.3 has a count of its own, x-acquired-count, for items
  /// that were requeued without a failure.
  var hasUncountedReturn: Bool {
    envelope.isRedelivered && deliveryCount == nil && count(in: "x-acquired-count") == nil
  }

  /// There may have been attempts that nobody counted.
  var isAttemptMinimum: Bool {
    hasUncountedReturn || isRecordedAsMinimum
  }

  private var isRecordedAsMinimum: Bool {
    isRecordOfQueue && properties.headers?[ItemHeader.attemptsAreMinimum] == .boolean(true)
  }

  /// The broker may soon drop the item silently, because it came back too often. RabbitMQ 4 does so the 21st time.
  var nearsDeliveryLimit: Bool { (deliveryCount ?? 0) >= Self.maxReturns }

  /// How often an item may come back before it is replaced by a copy, whose count starts at 0.
  static let maxReturns = 10

  // MARK: Copies

  /// The properties of the copy that a move publishes. They lack the headers that the broker added, and those that would send the
  /// copy elsewhere, too. `host` and `time`, in seconds since 1970, are for dead letters.
  package func properties(for move: Move, host: String, time: UInt64) -> BasicProperties {
    if move.destination == .queue, properties.undecodable != nil { return properties }
    var copy = properties.withUndecodableAsHeader().copied(adding: firstPublish.headers)
    var headers = copy.headers ?? [:]
    switch move.destination {
    case .queue:
      headers.entries += progress(after: move.attempts) + lastAttempt.headers
    case .retry(let delay, let cause, _):
      headers.entries += progress(after: move.attempts) + cause.headers
      copy.expiration = ByteString("\(max(0, delay.wholeMilliseconds))")
    case .deadLetter(let cause), .deadLetterExchange(_, let cause):
      copy.expiration = nil
      var letter = DeadLetter(cause.reason, queue: queue, attempts: move.attempts)
      (letter.status, letter.signal) = (cause.exitCode, cause.signal)
      letter.standardError = cause.standardError
      (letter.host, letter.step) = (host, cause.step)
      letter.time = time
      headers.entries += letter.headers
    }
    if move.areAttemptsMinimum || isRecordedAsMinimum {
      headers.append(ItemHeader.attemptsAreMinimum, .boolean(true))
    }
    copy.headers = headers
    return copy
  }

  /// The headers of an item that will be tried again.
  private func progress(after attempts: Int) -> [FieldTable.Entry] {
    [.init(name: ItemHeader.attempts, value: .int64(Int64(attempts)))]
      + (replayTime.map { [.init(name: ItemHeader.replayTime, value: .timestamp($0))] } ?? [])
  }
}
