internal import AMQP
internal import Broker

/// Finding out how many retry queues there are, before the queue is said to be drained. Other runners may use more of them
/// than this one.
extension Runner {
  /// The retry queues, as far as they are known. A queue that stands alone has none.
  var retryQueues: [String] { policy.hasRetries ? inspection.retryLevels.names : [] }

  /// Asks for them, unless they are known on this connection. A refusal leaves a line in the broker's log.
  mutating func searchRetryLevels() -> [RunnerAction] {
    guard policy.hasRetries, inspection.retryLevels.knownSince == nil, !inspection.retryLevels.isAsking else {
      return []
    }
    return askForRetryLevel()
  }

  /// The same for progress that shows what is in them.
  mutating func searchRetryLevelsForDepth() -> [RunnerAction] {
    options.report.progressPeriod != nil && options.extent == .drain ? searchRetryLevels() : []
  }

  private mutating func askForRetryLevel() -> [RunnerAction] {
    guard let question = inspection.retryLevels.ask() else {
      inspection.retryLevels.ended(isHidden: false, now: now)
      return []
    }
    return [.send(inspection.opening([.channelOpen, question].map { ChannelMethod($0, on: sideChannel) }))]
  }

  mutating func retryLevelsAnswered(_ method: Method, on channel: UInt16) -> [RunnerAction] {
    guard channel == sideChannel else { return [] }
    switch method {
    case .queueDeclareOK:
      inspection.retryLevels.found()
      let question = askForRetryLevel()
      return question.isEmpty ? goOn() : question
    case .channelClose(let reason) where reason.refusal == .noQueue || reason.code == .accessRefused:
      inspection.retryLevels.ended(isHidden: reason.code == .accessRefused, now: now)
      return goOn()
    case .channelClose(let reason): return queueRefused(reason)
    default: return []
    }
  }
}
