internal import AMQP
internal import Broker
internal import Linux

/// How an item's last attempt came out, in the headers of its copy. A runner that dead-letters the item later reads it there.
extension DeadLetterCause {
  var exitCode: Int? {
    if case .exited(let code)? = status { Int(code) } else { nil }
  }

  /// The name of the signal that killed the worker.
  var signal: String? {
    if case .killed(let signal)? = status { signal.description } else { nil }
  }

  var headers: [FieldTable.Entry] {
    guard reason != .unknown else { return [] }
    let values: [(ByteString, FieldValue?)] = [
      (ItemHeader.lastReason, .string(ByteString(reason.rawValue))),
      (ItemHeader.lastStatus, exitCode.map { .int64(Int64($0)) }),
      (ItemHeader.lastSignal, signal.map { .string(ByteString($0)) }),
      (ItemHeader.lastStep, step.map { .string(ByteString($0)) }),
    ]
    return values.compactMap { name, value in value.map { .init(name: name, value: $0) } }
  }

  /// The last attempt of an item that has none left, in words.
  var text: String {
    let worker = step.map { "step '\($0)'" } ?? "the worker"
    return switch (reason, status) {
    case (.failed, .exited(let code)?), (.rejected, .exited(let code)?):
      "at the last one \(worker) exited with \(code)"
    case (.killed, .killed(let signal)?): "at the last one \(worker) was killed by \(signal)"
    case (.timedOut, _): "at the last one \(worker) ran for too long"
    case (.notStarted, _): "at the last one \(worker) could not be started"
    case (.failed, _), (.rejected, _), (.killed, _): "at the last one \(worker) failed"
    case (.resultRefused, _): "at the last one no queue took the worker's result"
    case (.outputLost, _): "at the last one the worker's output could not be kept"
    case (.stepLost, _): "at the last one \(worker) was lost"
    case (.cameBack, _):
      "it came back from the last one, and nothing tells why: its runner gave it back after a failure, the runner or its connection "
        + "was lost, or the broker took the item back, or took no copy of it"
    case (.malformed, _): "its properties cannot be read"
    case (.tooLarge, _): "it is too large"
    case (.expired, _): "it is too old"
    case (.unknown, _): "how the last one came out is not known"
    }
  }
}

extension FieldTable {
  /// nil if the headers do not say. Anybody can write headers, so they may hold anything.
  var lastAttempt: DeadLetterCause? {
    guard let text = string(ItemHeader.lastReason),
      let reason = DeadLetter.Reason(rawValue: text.description)
    else { return nil }
    var cause = DeadLetterCause(reason: reason, status: lastStatus)
    cause.step = string(ItemHeader.lastStep)?.description
    return cause
  }

  private var lastStatus: ProcessStatus? {
    if let code = self[ItemHeader.lastStatus]?.integer.flatMap(Int32.init(exactly:)) { return .exited(code) }
    guard let name = string(ItemHeader.lastSignal) else { return nil }
    let signals = (1...64).lazy.map(Signal.init(rawValue:))
    return signals.first { $0.description == name.description }.map { .killed($0) }
  }
}
