import AMQP
import Broker
import Console
import JobRunner
import Publishing

/// The check of `amqp-job status --drained`. It probes the queue in the same way as a runner, without taking an item.
struct DrainedCheck {
  private static let consumerTag: ByteString = "amqp-job-status"

  private let session: BrokerSession
  private let channel: UInt16
  private let status: Status
  private let queue: WorkQueue
  /// Empty for a queue that stands alone.
  private let retryQueues: [String]
  private var drain: Drain

  init(_ name: String, _ session: BrokerSession, _ status: Status, channel: UInt16 = 1) throws(ConversationError) {
    self.session = session
    self.channel = channel
    self.status = status
    queue = WorkQueue(name)
    drain = Drain(queue)
    try session.explainingErrors(about: name) { () throws(SessionError) in try session.openChannel(channel) }
    let hasRetries = try InspectedQueue(queue, session).standing == .declared
    retryQueues = try session.explainingErrors(about: name) { [queue] () throws(SessionError) in
      guard hasRetries else { return [] }
      return try queue.retryNames(levels: 1 + session.furtherRetryQueues(of: queue, on: channel).count)
    }
    try session.explainingErrors(about: name) { () throws(SessionError) in
      _ = try session.queueStatus(name, on: channel)
      _ = try session.call(.basicQoS(prefetchCount: 1), on: channel) { $0 == .basicQoSOK ? true : nil }
    }
  }

  /// Why the queue is not drained, or nil where it is. To be sure that it is drained takes some seconds. The check ends at `limit`
  /// in any case.
  mutating func reasonNotDrained(until limit: ContinuousClock.Instant? = nil) throws(ConversationError) -> String? {
    let end = ContinuousClock.now + status.broker.connectTimeout
    var patienceEnd = status.reporter.patience.map { ContinuousClock.now + $0 }
    // Earlier probes do not count, since the queue was not drained then.
    drain = Drain(queue)
    while true {
      let finding = try session.explainingErrors(about: queue.name) { () throws(SessionError) in try look() }
      switch finding {
      case .drained, .items, .retries, .returning, .otherConsumers: return finding.reasonNotDrained
      case .inconclusive:
        guard ContinuousClock.now < end else {
          throw .failed(
            Failure(
              .unreachable,
              "queue '\(queue.name)' at \(session.broker) gives no answer that can be trusted: "
                + "its leader is away, or too slow"))
        }
        if let time = patienceEnd, ContinuousClock.now >= time {
          patienceEnd = nil
          let line = "waiting for an answer about queue '\(queue.name)' at \(session.broker) that can be trusted"
          status.reporter.report(LogEntry(.notice, "\(line)"))
        }
      case .empty: break
      }
      guard limit.map({ ContinuousClock.now < $0 }) ?? true else { return finding.reasonNotDrained }
      let next = ContinuousClock.now + Drain.pause
      let end = limit.map { min($0, next) } ?? next
      try session.explainingErrors(about: queue.name) { () throws(SessionError) in try session.wait(until: end) }
    }
  }

  func close() throws(ConversationError) {
    try session.explainingErrors(about: queue.name) { () throws(SessionError) in try session.closeChannel(channel) }
  }

  private mutating func look() throws(SessionError) -> Drain.Finding {
    // Where items are ready, a consumer would get one. So the queue is probed without a consumer first.
    guard try session.queueStatus(queue.name, on: channel).messageCount == 0 else { return .items }
    return try probe()
  }

  private mutating func probe() throws(SessionError) -> Drain.Finding {
    try send([
      .basicConsume(queue: ByteString(queue.name), consumerTag: Self.consumerTag, arguments: ["x-priority": .int32(0)])
    ])
    try send(drain.begin(ownConsumers: 1, retryQueues: retryQueues))
    var finding: Drain.Finding?
    var wasHanded = false
    let limit = ContinuousClock.now + status.broker.connectTimeout
    while true {
      switch try session.nextEvent(until: limit) {
      case .method(channel, .queueDeclareOK(let status)):
        finding = try take(.status(status)) ?? finding
      case .method(channel, .basicGetEmpty):
        finding = try take(.noMessage) ?? finding
      case .delivered(_, let delivery) where delivery.envelope.consumerTag.isEmpty:
        try send([.basicNack(deliveryTag: delivery.envelope.deliveryTag, multiple: false, requeue: true)])
        finding = try take(.message) ?? finding
      case .delivered(_, let delivery):
        try putBack(delivery)
        wasHanded = true
      case .method(channel, .basicCancelOK):
        // While this consumer held the item, the queue looked empty to others.
        if wasHanded { drain.interrupt(finding: .items) }
        return wasHanded ? .items : finding ?? .inconclusive
      case .method(channel, .channelClose(let reason)):
        throw .refused(reason)
      default: break
      }
    }
  }

  private mutating func take(_ answer: Drain.Answer) throws(SessionError) -> Drain.Finding? {
    switch drain.take(answer, now: .now) {
    case .ask(let questions): try send(questions)
    case .begin: break
    case .found(let finding):
      try send([.basicCancel(consumerTag: Self.consumerTag)])
      return finding
    case nil: break
    }
    return nil
  }

  private func send(_ methods: [Method]) throws(SessionError) {
    for method in methods { try session.send(method, on: channel) }
  }

  /// Puts back an item that arrived during the probe. It goes back as a copy, because the broker counts a plain return as a
  /// failed delivery although no worker ran the item.
  private func putBack(_ delivery: Delivery) throws(SessionError) {
    let item = WorkItem(envelope: delivery.envelope, properties: delivery.properties, queue: queue.name)
    let other = try status.conversation.session()
    defer { other.close() }
    let copy = item.properties(for: Move(destination: .queue, attempts: item.attempt - 1), host: "", time: 0)
    let publisher = try SerialPublisher(other, queue: queue.name) { _ in }
    let isThere: Bool
    do throws(PublishError) {
      try publisher.publish(.memory(delivery.body), copy, keepingAlive: session)
      isThere = true
    } catch {
      switch error {
      case .refused: isThere = false
      case .session(let error): throw error
      case .body(let error): throw .system(error)
      }
    }
    let tag = delivery.envelope.deliveryTag
    try send([
      isThere
        ? .basicAck(deliveryTag: tag, multiple: false) : .basicNack(deliveryTag: tag, multiple: false, requeue: true)
    ])
  }
}
