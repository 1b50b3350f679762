package import AMQP

/// What a dead-lettered item's headers say of its end.
package struct DeadLetter: Hashable, Sendable {
  /// Why a runner dead-letters an item.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    case failed
    case timedOut = "timed out"
    case killed
    /// Its status is one that no retry will mend.
    case rejected
    case notStarted = "not started"
    /// It came back from its last runner itself, not as a copy, so nobody could say why: the runner or its connection was
    /// lost, or the broker took the item back, or took no copy of it.
    case cameBack = "came back"
    /// Its attempts are used up, and nothing says how the last one came out.
    case unknown
    /// Its properties cannot be read.
    case malformed
    case tooLarge = "too large"
  }

  /// In a runner's words or, where there are none, in the broker's.
  package var reason: String?
  /// The broker dead-lettered it, by a limit of the queue.
  package var isBrokers = false
  package var queue: String?
  package var status: Int?
  package var signal: String?
  package var attempts: Int?
  package var host: String?
  /// The end of what the last worker wrote to its standard error.
  package var standardError: String?
  /// Seconds since 1970-01-01T00:00:00Z.
  package var time: UInt64?

  package init(_ reason: Reason, queue: String, attempts: Int) {
    self.reason = reason.rawValue
    self.queue = queue
    self.attempts = attempts
  }

  /// What `headers` say. Anybody can write headers, so they may hold anything.
  package init(headers: FieldTable?) {
    let headers = headers ?? [:]
    reason = headers.text(ItemHeader.reason)
    queue = headers.text(ItemHeader.queue)
    status = headers[ItemHeader.status]?.integer.map(Int.init)
    signal = headers.text(ItemHeader.signal)
    attempts = headers[ItemHeader.attempts]?.integer.map(Int.init)
    host = headers.text(ItemHeader.host)
    standardError = headers.text(ItemHeader.standardError)
    time = headers.time(ItemHeader.time)
    if reason == nil, let death = Self.latestDeath(headers) {
      isBrokers = true
      reason = death.text("reason")
      queue = death.text("queue") ?? queue
      time = death.time("time")
    }
  }

  /// As headers for the item.
  package var headers: [FieldTable.Entry] {
    let values: [(ByteString, FieldValue?)] = [
      (ItemHeader.queue, queue.map { .string(ByteString($0)) }),
      (ItemHeader.reason, reason.map { .string(ByteString($0)) }),
      (ItemHeader.status, status.map { .int64(Int64($0)) }),
      (ItemHeader.signal, signal.map { .string(ByteString($0)) }),
      (ItemHeader.attempts, attempts.map { .int64(Int64($0)) }),
      (ItemHeader.host, host.map { .string(ByteString($0)) }),
      (ItemHeader.time, time.map { .timestamp($0) }),
      (ItemHeader.standardError, standardError.map { .string(ByteString($0)) }),
    ]
    return values.compactMap { name, value in value.map { .init(name: name, value: $0) } }
  }

  /// Of the broker's list, which has the latest first.
  private static func latestDeath(_ headers: FieldTable) -> FieldTable? {
    guard case .array(let deaths)? = headers["x-death"], case .table(let death)? = deaths.first else { return nil }
    return death
  }
}

extension FieldTable {
  fileprivate func text(_ name: ByteString) -> String? {
    if case .string(let value)? = self[name] { value.description } else { nil }
  }

  fileprivate func time(_ name: ByteString) -> UInt64? {
    if case .timestamp(let value)? = self[name] { value } else { nil }
  }
}
