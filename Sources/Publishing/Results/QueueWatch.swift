internal import AMQP
internal import Broker

/// Decides when to ask whether the queue of the items still exists, while their results are awaited and none comes. Nothing tells a
/// publisher that a queue was deleted.
struct QueueWatch {
  /// How long nothing comes before the broker is asked.
  static let period: Duration = .seconds(10)

  private let question: Method
  private var since: ContinuousClock.Instant
  private var isAsked = false
  private var isChannelOpen = false
  private var isPermitted = true

  init(_ question: Method, now: ContinuousClock.Instant) { (self.question, since) = (question, now) }

  /// When to ask. nil while a question is unanswered, and if the user may not ask.
  var deadline: ContinuousClock.Instant? { isAsked || !isPermitted ? nil : since + Self.period }

  /// There is a new connection.
  mutating func connected(now: ContinuousClock.Instant) { (since, isAsked, isChannelOpen) = (now, false, false) }

  /// A result has come.
  mutating func heard(now: ContinuousClock.Instant) { since = now }

  /// What to send now.
  mutating func ask() -> [Method] {
    defer { (isAsked, isChannelOpen) = (true, true) }
    return isChannelOpen ? [question] : [.channelOpen, question]
  }

  /// Takes what the broker says on the channel of the question. Returns true if the queue is gone.
  mutating func take(_ answer: Method, now: ContinuousClock.Instant) -> Bool {
    switch answer {
    case .queueDeclareOK: (since, isAsked) = (now, false)
    case .channelClose(let reason):
      // A refusal closes the channel.
      (since, isAsked, isChannelOpen) = (now, false, false)
      if reason.refusal == .notPermitted { isPermitted = false }
      return reason.meansNoSuchQueue
    default: break
    }
    return false
  }
}
