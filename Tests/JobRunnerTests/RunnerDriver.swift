import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

/// Drives a runner's decisions without any I/O, as a broker, a worker and a clock would.
struct RunnerDriver {
  static let broker = BrokerURL(host: "broker")
  static let inspection = Method.channelClose(
    CloseReason(
      code: .preconditionFailed,
      text: "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/': received the value"))

  var runner: Runner
  var now = ContinuousClock.now
  private(set) var lastDeliveryTag: UInt64 = 0

  init(_ configure: (inout JobOptions) -> Void = { _ in }) {
    var options = JobOptions(brokers: [Self.broker], queue: "q")
    configure(&options)
    runner = Runner(options, chance: 0)
  }

  @discardableResult
  mutating func handle(_ event: RunnerEvent) -> [RunnerAction] { runner.handle(event, now: now) }

  @discardableResult
  mutating func method(_ method: AMQP.Method, on channel: UInt16 = 1) -> [RunnerAction] {
    handle(.method(method, channel: channel))
  }

  mutating func start() -> [RunnerAction] { runner.start(now: now) }

  /// Connected, and the queue of a kind that can be served.
  @discardableResult
  mutating func open() -> [RunnerAction] {
    _ = start()
    handle(.connected)
    return method(Self.inspection, on: QueueInspection.channel)
  }

  /// Open, and consuming.
  @discardableResult
  mutating func consume() -> [RunnerAction] {
    open()
    return method(.basicConsumeOK(consumerTag: "amqp-job-1"))
  }

  @discardableResult
  mutating func deliver(_ properties: BasicProperties = BasicProperties()) -> [RunnerAction] {
    lastDeliveryTag += 1
    let envelope = Envelope(
      consumerTag: "amqp-job-1", deliveryTag: lastDeliveryTag, isRedelivered: false, exchange: "", routingKey: "q")
    return handle(.delivered(Delivery(envelope: envelope, properties: properties, body: [1, 2, 3])))
  }

  /// Consuming, and a worker at work.
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
    compactMap { if case .send(let methods) = $0 { methods.map(\.method) } else { nil } }
  }

  var finished: JobRunner.ExitStatus? {
    compactMap { if case .finish(let status) = $0 { status } else { nil } }.first
  }

  var signals: [Signal] {
    compactMap { if case .signalWorker(let signal) = $0 { signal } else { nil } }
  }

  var errors: [String] {
    compactMap { if case .log(let entry) = $0, entry.level == .error { entry.message } else { nil } }
  }

  func sets(_ timer: RunnerTimer, after duration: Duration) -> Bool { contains(.set(timer, after: duration)) }
}

let channelClose = Method.channelClose(CloseReason(code: .success, text: "done"))
