internal import Broker
internal import Console

/// The state of the runner in one line of the log.
extension Runner {
  func state(now: ContinuousClock.Instant, timers: [(timer: RunnerTimer, deadline: ContinuousClock.Instant)]) -> String
  {
    let told = stop.signal.map { ", told to end by \($0)" } ?? ""
    let broken = stop.brokenStatus.map { ", to end with \($0.rawValue)" } ?? ""
    let connection = session.failure.map { ", no connection (\($0))" } ?? ""
    let blocked = copyState.blockedReason.map { ", no copies taken (\($0))" } ?? ""
    let due = timers.sorted { $0.deadline < $1.deadline }.map { "\($0.timer) in \(now.duration(to: $0.deadline).text)" }
    let what = "\(phase)\(told)\(broken)\(connection)\(blocked), \(tally.taken.counted("item")) taken"
    let each = slots.map(\.summary).joined(separator: ", ")
    let waiting = due.isEmpty ? "none" : due.joined(separator: ", ")
    return "state of the runner for \(queueLabel): \(what); slots: \(each); \(drain.summary); timers: \(waiting)"
  }
}

extension Slot {
  fileprivate var summary: String {
    let consumer = isConsumerAttached ? " with consumer \(consumerTag)" : ""
    return "\(state.name)\(consumer)\(isAckUnconfirmed ? " (ack unconfirmed)" : "")"
  }

}
