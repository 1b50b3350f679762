internal import AMQP
internal import Broker

/// Telling how far the work has come.
extension Runner {
  /// The depth of the queue is asked for on a channel of its own. A refusal, which closes it, leaves the items alone.
  private var depthChannel: UInt16 { UInt16(slots.count + 3) }

  /// How soon to look again for an answer about what is left. Nothing is shown before that.
  private static let firstPeriod: Duration = .milliseconds(250)

  mutating func showProgress() -> [RunnerAction] {
    guard let period = options.report.progressPeriod else { return [] }
    guard case .drain = options.extent else { return [.progress(workDone), .set(.progress, after: period)] }
    let isKnown = report.depth.count != nil || report.depth.isRefused
    return askForProgress() + (report.depth.isRefused ? [.progress(workDone)] : [])
      + [.set(.progress, after: isKnown ? period : Self.firstPeriod)]
  }

  /// The depth that was told before may be an old one, so it is left out.
  var lastProgress: [RunnerAction] {
    guard options.report.progressPeriod != nil else { return [] }
    var last = workDone
    if case .drain = options.extent, !stop.isDrained { last.left = nil }
    return [.progress(last)]
  }

  private mutating func askForProgress() -> [RunnerAction] {
    guard isServing, !isStopping else { return [] }
    let opening = inspection.opening([ChannelMethod(.channelOpen, on: depthChannel)])
    let questions = report.depth.questions(retryQueues: retryQueues, isNewChannel: !opening.isEmpty)
    let methods = opening + questions.map { ChannelMethod($0, on: depthChannel) }
    return methods.isEmpty ? [] : [.send(methods)]
  }

  /// Returns nil for a method on another channel. What is left is shown when it is told, so that all figures are of that moment.
  mutating func progressAnswered(_ method: Method, on channel: UInt16) -> [RunnerAction]? {
    guard channel == depthChannel, let period = options.report.progressPeriod else { return nil }
    switch method {
    case .queueDeclareOK(let status):
      report.depth.take(status)
      guard report.depth.isAnswered, !isStopping else { return [] }
      return [.progress(workDone), .set(.progress, after: period)]
    case .channelClose:
      inspection.channelClosed(channel)
      report.depth.refused()
    default: break
    }
    return []
  }

  private var workDone: WorkDone {
    let inHand = slots.count(where: \.isBusy)
    let left: Int? =
      switch options.extent {
      case .count(let count): count - tally.taken + slots.count { $0.isBusy && !$0.mayTakeItem }
      case .drain where stop.isDrained: 0
      case .drain: report.depth.count.map { $0 + inHand }
      case .forever: nil
      }
    return WorkDone(done: tally.done, failed: tally.failed, left: left)
  }
}
