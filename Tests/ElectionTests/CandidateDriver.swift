import AMQP
import Console
import Linux

@testable import Election

/// Drives one candidate by hand. Its clock starts at 0 s.
struct CandidateDriver {
  static let identity: ByteString = "me"
  static let replyTo: ByteString = "answers"

  private let start = ContinuousClock.now
  private(set) var candidate: Candidate
  private(set) var time: Duration = .zero
  private var tag: UInt64 = 0
  /// All actions so far.
  private(set) var actions: [Candidate.Action] = []

  init(lease: Duration = .seconds(15), grace: Duration = .seconds(5)) {
    candidate = Candidate(identity: Self.identity, name: "pod-a", plan: LeasePlan(lease: lease, grace: grace))
  }

  var now: ContinuousClock.Instant { start + time }
  func instant(_ time: Duration) -> ContinuousClock.Instant { start + time }

  /// The time until `deadline`.
  var deadline: Duration? { candidate.deadline.map { start.duration(to: $0) } }

  @discardableResult
  mutating func handle(_ event: Candidate.Event, at time: Duration? = nil) -> [Candidate.Action] {
    self.time = time ?? self.time
    let actions = candidate.handle(event, now: now)
    self.actions += actions
    return actions
  }

  @discardableResult
  mutating func receive(_ message: ElectionMessage, at time: Duration? = nil) -> [Candidate.Action] {
    tag += 1
    return handle(.received(message, deliveryTag: tag), at: time)
  }

  /// A state of another candidate.
  static func other(_ name: ByteString = "b", number: Int64 = 1, epoch: Int64, wait: Duration) -> ElectionMessage {
    .state(.init(id: .init(candidate: name, number: number), name: ByteString("pod-\(name)"), epoch: epoch, wait: wait))
  }

  var lastAsk: ElectionMessage.Ask? { actions.asks.last }
  var lastState: ElectionMessage.State? { actions.states.last }

  /// The latest question comes back.
  @discardableResult
  mutating func bringBackAsk(at time: Duration? = nil) -> [Candidate.Action] {
    guard let ask = lastAsk else { return [] }
    return receive(.ask(ask), at: time)
  }

  /// The latest state is proven.
  @discardableResult
  mutating func prove(at time: Duration? = nil) -> [Candidate.Action] {
    guard let state = lastState else { return [] }
    return receive(.state(state), at: time) + handle(.confirmed(state.id))
  }

  /// Makes it the leader of epoch 8 at 1 s, after another one that has let go.
  mutating func lead() {
    handle(.joined(replyTo: Self.replyTo), at: .seconds(1))
    receive(Self.other(epoch: 7, wait: .zero))
    bringBackAsk()
    prove()
  }
}

extension [Candidate.Action] {
  var messages: [ElectionMessage] { compactMap { if case .publish(let message) = $0 { message } else { nil } } }
  var asks: [ElectionMessage.Ask] { messages.compactMap { if case .ask(let ask) = $0 { ask } else { nil } } }
  var states: [ElectionMessage.State] { messages.compactMap { if case .state(let state) = $0 { state } else { nil } } }
  var answers: [ElectionMessage.Answer] {
    messages.compactMap { if case .answer(let answer) = $0 { answer } else { nil } }
  }
  var begun: [Int64] { compactMap { if case .begin(let epoch, _) = $0 { epoch } else { nil } } }
  var extensions: [ContinuousClock.Instant] { compactMap { if case .extend(let limit) = $0 { limit } else { nil } } }
  var acked: [UInt64] { compactMap { if case .ack(let tag) = $0 { tag } else { nil } } }
  var stops: [Signal] { compactMap { if case .stop(let signal) = $0 { signal } else { nil } } }
  var ends: [CandidateEnd] { compactMap { if case .finish(let end) = $0 { end } else { nil } } }
  var texts: [String] { compactMap { if case .log(let entry) = $0 { entry.message.text(for: .amqpJob) } else { nil } } }
}
