import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// Drives a runner's decisions without any I/O, as a broker, a worker and a clock would.
struct RunnerDriver {
  static let broker = BrokerURL(host: "broker")
  /// The broker refuses the declaration of `amqp-job declare`, because the queue has no dead-letter exchange.
  static let plain = differs("x-dead-letter-exchange", "received the value '' of type 'longstr' but current is none")

  static func differs(_ argument: String, _ how: String, queue: String = "q") -> AMQP.Method {
    .channelClose(
      CloseReason(
        code: .preconditionFailed,
        text: "PRECONDITION_FAILED - inequivalent arg '\(argument)' for queue '\(queue)' in vhost '/': \(how)"))
  }

  static func notMade(_ queue: String = "q") -> AMQP.Method {
    .channelClose(
      CloseReason(
        code: .preconditionFailed,
        text:
          "PRECONDITION_FAILED - invalid arg 'x-stream-max-segment-size-bytes' for queue '\(queue)' in vhost '/' of queue type "
          + "rabbit_quorum_queue"))
  }

  var runner: Runner
  var now = ContinuousClock.now
  private(set) var lastDeliveryTag: UInt64 = 0

  init(_ configure: (inout JobOptions) -> Void = { _ in }, jitter: @escaping @Sendable () -> Double = { 0 }) {
    var options = JobOptions(brokers: [Self.broker], queue: "q")
    configure(&options)
    runner = Runner(options, now: now, jitter: jitter)
  }

  var server: ServerVersion?
  /// The broker answers the close of a connection at once.
  var closesAtOnce = true
  /// The exit status, once the runner has ended.
  private(set) var finished: Console.ExitStatus?

  @discardableResult
  mutating func handle(_ event: RunnerEvent) -> [RunnerAction] {
    var actions = runner.handle(event, now: now)
    if closesAtOnce, actions.contains(.closeConnections) { actions += runner.handle(.connectionsClosed, now: now) }
    finished = finished ?? actions.finished
    return actions
  }

  @discardableResult
  mutating func method(_ method: AMQP.Method, on channel: UInt16 = 1) -> [RunnerAction] {
    handle(.method(method, channel: channel))
  }

  mutating func start() -> [RunnerAction] { runner.start(now: now) }

  /// An answer to the question whether a queue exists.
  static let found = Method.queueDeclareOK(.init(name: "", messageCount: 0, consumerCount: 0))
  static let missing = Method.channelClose(CloseReason(code: .notFound, text: "NOT_FOUND - no queue 'q.retry'"))

  /// The runner is connected, and the queue can be served. It stands alone, or has a retry and a dead-letter queue.
  @discardableResult
  mutating func open(hasRetries: Bool = false) -> [RunnerAction] {
    _ = start()
    handle(.connected(server))
    return inspect(hasRetries: hasRetries)
  }

  /// The runner is connected again, and the queue is the same as before.
  @discardableResult
  mutating func reconnect(hasRetries: Bool = false) -> [RunnerAction] {
    if runner.inspection.inquiry == nil { handle(.timer(.retry)) }
    handle(.connected(server))
    return inspect(hasRetries: hasRetries)
  }

  @discardableResult
  mutating func inspect(hasRetries: Bool = false) -> [RunnerAction] {
    let channel = UInt16(runner.slots.count + 1)
    let family = [AMQP.Method](repeating: Self.found, count: 3 + runner.options.attempts.retryLevels)
    let answers = hasRetries ? family : [Self.plain, Self.found]
    let actions = answers.map { method($0, on: channel) }.last ?? []
    if runner.inspection.neighbourSearch != nil { return method(Self.missing, on: channel) }
    if runner.inspection.retryLevels.isAsking { return method(Self.missing, on: channel) }
    // Otherwise the runner asks for further retry queues only when it probes: see RetryLevelTests.
    if hasRetries { runner.inspection.retryLevels.ended(isHidden: false, now: now) }
    // The runner asks about the queues beside it only at the first failure: see NeighbourTests.
    if !hasRetries { runner.inspection.found(.absent) }
    return actions
  }

  /// The runner is connected and consumes.
  @discardableResult
  mutating func consume(hasRetries: Bool = false) -> [RunnerAction] {
    open(hasRetries: hasRetries)
    let channels = runner.slots.filter { $0.state == .consuming }.map(\.channel)
    method(.basicQoSOK)
    return channels.reversed().map { method(.basicConsumeOK(consumerTag: "amqp-job-1"), on: $0) }.last ?? []
  }

  @discardableResult
  mutating func deliver(
    _ properties: BasicProperties = BasicProperties(), isRedelivered: Bool = false, digest: Int? = nil,
    slot: Int = 0
  ) -> [RunnerAction] {
    lastDeliveryTag += 1
    let envelope = Envelope(
      consumerTag: "amqp-job-1", deliveryTag: lastDeliveryTag, isRedelivered: isRedelivered, exchange: "",
      routingKey: "q")
    return answered(handle(.delivered(envelope, properties, digest: digest, slot: slot)), on: UInt16(slot + 1))
  }

  /// The broker answers the question that the runner asks before it publishes a copy.
  mutating func answered(_ actions: [RunnerAction], on channel: UInt16 = 1) -> [RunnerAction] {
    actions + (actions.asksBeforeCopy ? method(.basicQoSOK, on: channel) : [])
  }

  /// The runner consumes, and a worker runs.
  mutating func work() {
    consume()
    deliver()
  }

  /// The broker answers the close of the channel.
  mutating func settle() -> [RunnerAction] { method(.channelCloseOK) }

  static func lost(_ kind: BrokerFailure.Kind = .lost) -> RunnerEvent {
    .connectionFailed(BrokerFailure(kind, broker: broker, detail: "gone"))
  }

  mutating func counted(_ messages: UInt32, _ consumers: UInt32) -> [RunnerAction] {
    method(.queueDeclareOK(.init(name: "q", messageCount: messages, consumerCount: consumers)))
  }
}

extension [RunnerAction] {
  /// The methods of every write, in order.
  var writes: [[AMQP.Method]] {
    compactMap { if case .send(let methods) = $0, !methods.isEmpty { methods.map(\.method) } else { nil } }
  }

  var finished: Console.ExitStatus? {
    compactMap { if case .finish(let status) = $0 { status } else { nil } }.first
  }

  var signals: [Signal] {
    compactMap { if case .signalWorker(let signal, _) = $0 { signal } else { nil } }
  }

  var errors: [String] { lines(.error) }
  var warnings: [String] { lines(.warning) }
  var notices: [String] { lines(.notice) }

  private func lines(_ level: LogEntry.Level) -> [String] {
    compactMap { if case .log(let entry) = $0, entry.level == level { entry.message.text(for: .amqpJob) } else { nil } }
  }

  var moves: [Move] {
    compactMap { if case .move(_, let move, _) = $0 { move } else { nil } }
  }

  var asksBeforeCopy: Bool { writes.contains([.basicQoS(prefetchCount: 1)]) }

  var startsWorker: Bool { contains { if case .startWorker = $0 { true } else { false } } }

  /// The slots whose items a worker gets at once, for each batch.
  var batches: [[Int]] {
    compactMap { if case .startBatch(let items, _) = $0 { items.map(\.slot) } else { nil } }
  }

  func delay(of timer: RunnerTimer) -> Duration? {
    compactMap { if case .set(timer, let delay) = $0 { delay } else { nil } }.last
  }

  func sets(_ timer: RunnerTimer, after duration: Duration) -> Bool { contains(.set(timer, after: duration)) }
}

extension RunnerEvent {
  /// An event of the only slot.
  static func workerEnded(_ status: ProcessStatus) -> RunnerEvent { .workerEnded(status, slot: 0) }
  static func commandRefused(_ status: Console.ExitStatus, reason: String) -> RunnerEvent {
    .commandRefused(status, reason: reason, slot: 0)
  }
  static func workerDidNotStart(reason: String) -> RunnerEvent { .workerDidNotStart(reason: reason, slot: 0) }
}

extension RunnerTimer {
  static var workerLimit: RunnerTimer { .workerLimit(slot: 0) }
  static var grace: RunnerTimer { .grace(slot: 0) }
  static var settlementLimit: RunnerTimer { .settlementLimit(slot: 0) }
}

let channelClose = Method.channelClose(CloseReason(code: .success, text: "done"))
