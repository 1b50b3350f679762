package import AMQP

/// What the headers of a dead-lettered item say about its end.
package struct DeadLetter: Hashable, Sendable {
  /// The reason why a runner dead-letters an item.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    case failed
    case timedOut = "timed out"
    case killed
    /// The exit status of the worker is one that no retry can change.
    case rejected
    case notStarted = "not started"
    /// The item returned from its last runner without a copy, so the reason is not known: the runner or its connection
    /// was lost, the broker took the item back, or the broker took no copy of it.
    case cameBack = "came back"
    /// No attempts are left, and the result of the last one is not known.
    case unknown
    /// The properties of the item cannot be decoded.
    case malformed
    case tooLarge = "too large"
    /// The item was older than the runner takes.
    case expired
    /// A step, which is a worker in another container, went away while it worked on the item.
    case stepLost = "step lost"
    /// The worker exited 0, and no queue took its result.
    case resultRefused = "result refused"
    /// The worker exited 0, and what it wrote could not be kept.
    case outputLost = "output lost"
  }

  /// The reason in the words of the runner, or else of the broker.
  package var reason: String?
  /// Whether the broker dead-lettered the item because of a limit of the queue.
  package var isBrokers = false
  package var queue: String?
  package var status: Int?
  package var signal: String?
  package var attempts: Int?
  package var host: String?
  /// The name of the step in which the item failed, if that was not the runner's own command.
  package var step: String?
  /// The end of the last worker's standard error.
  package var standardError: String?
  /// The time of dead-lettering in seconds since 1970-01-01T00:00:00Z.
  package var time: UInt64?

  package init(_ reason: Reason, queue: String, attempts: Int) {
    self.reason = reason.rawValue
    self.queue = queue
    self.attempts = attempts
  }

  /// Reads the headers. Anybody can write headers, so they may contain anything.
  package init(headers: FieldTable?) {
    let headers = headers ?? [:]
    reason = headers.string(ItemHeader.reason)?.description
    queue = headers.string(ItemHeader.queue)?.description
    status = headers[ItemHeader.status]?.integer.map(Int.init)
    signal = headers.string(ItemHeader.signal)?.description
    attempts = headers[ItemHeader.attempts]?.integer.map(Int.init)
    host = headers.string(ItemHeader.host)?.description
    step = headers.string(ItemHeader.step)?.description
    standardError = headers.string(ItemHeader.standardError)?.description
    time = headers.time(ItemHeader.time)
    if reason == nil, let death = Self.latestDeath(headers) {
      isBrokers = true
      reason = death.string("reason")?.description
      queue = death.string("queue")?.description ?? queue
      time = death.time("time")
    }
  }

  /// The headers that record this in the item.
  package var headers: [FieldTable.Entry] {
    let values: [(ByteString, FieldValue?)] = [
      (ItemHeader.queue, queue.map { .string(ByteString($0)) }),
      (ItemHeader.reason, reason.map { .string(ByteString($0)) }),
      (ItemHeader.status, status.map { .int64(Int64($0)) }),
      (ItemHeader.signal, signal.map { .string(ByteString($0)) }),
      (ItemHeader.attempts, attempts.map { .int64(Int64($0)) }),
      (ItemHeader.host, host.map { .string(ByteString($0)) }),
      (ItemHeader.step, step.map { .string(ByteString($0)) }),
      (ItemHeader.time, time.map { .timestamp($0) }),
      (ItemHeader.standardError, standardError.map { .string(ByteString($0)) }),
    ]
    return values.compactMap { name, value in value.map { .init(name: name, value: $0) } }
  }

  /// The latest death in the list of the broker, which comes first.
  private static func latestDeath(_ headers: FieldTable) -> FieldTable? {
    guard case .array(let deaths)? = headers["x-death"], case .table(let death)? = deaths.first else { return nil }
    return death
  }
}

extension FieldTable {
  /// The value of a header that holds a time, in seconds since 1970-01-01T00:00:00Z. nil if it holds none.
  package func time(_ name: ByteString) -> UInt64? {
    if case .timestamp(let value)? = self[name] { value } else { nil }
  }
}
