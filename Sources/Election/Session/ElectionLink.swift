internal import AMQP
internal import Broker
internal import Linux

/// A candidate's connection to the broker.
final class ElectionLink {
  enum Event {
    case joined(replyTo: ByteString)
    /// nil is a message that makes no sense.
    case received(ElectionMessage?, deliveryTag: UInt64)
    case confirmed(ElectionMessage.ID)
    /// The broker is short of memory or disk space, and takes no messages; nil when it does again.
    case blocked(reason: String?)
    /// The last event.
    case ended(Ending)
  }

  enum Ending {
    case failed(BrokerFailure)
    /// The broker refuses the queue.
    case refused(CloseReason)
    /// The broker has ended the consumer or the channel, or has not taken a state.
    case broken(String)
  }

  /// How long the broker may take from the login to the consumer.
  private static let joinLimit: Duration = .seconds(10)

  let link: BrokerLink
  private let queue: ElectionQueue
  private var opening: Opening
  private var confirms = Confirms()
  private let joinDeadline: ContinuousClock.Instant

  init(_ broker: BrokerURL, _ parameters: Connection.Parameters, _ access: BrokerAccess, _ queue: ElectionQueue) {
    self.queue = queue
    opening = Opening(queue, replyTo: queue.replyTo(.random(in: .min ... .max)))
    var parameters = parameters
    parameters.initialMethods = opening.methods.map { ChannelMethod($0, on: ElectionQueue.channel) }
    joinDeadline = .now + BrokerLink.loginLimit + Self.joinLimit
    link = BrokerLink(broker: broker, parameters, access: access, now: .now)
  }

  var interest: PollInterest? { link.interest }
  var deadline: ContinuousClock.Instant? {
    [link.deadline, opening.isJoined ? nil : joinDeadline].compactMap(\.self).min()
  }

  // MARK: Sending

  /// - Throws: `AMQPError` for a message that does not fit a frame
  func publish(_ message: ElectionMessage) throws(AMQPError) {
    let destination: ByteString
    if case .answer(let answer) = message {
      guard queue.isReplyTo(answer.replyTo) else { return }
      destination = answer.replyTo
    } else {
      destination = ByteString(queue.name)
    }
    // An asker may be gone, and its queue with it.
    let isState = if case .state = message { true } else { false }
    let publish = Method.basicPublish(exchange: "", routingKey: destination, mandatory: isState)
    try link.send(publish, properties: message.properties, bodySize: 0, on: ElectionQueue.channel)
    confirms.published(message)
  }

  func ack(_ deliveryTag: UInt64) {
    // A method without text fits every frame.
    try? link.send(.basicAck(deliveryTag: deliveryTag, multiple: false), on: ElectionQueue.channel)
  }

  // MARK: Receiving

  func process(_ readiness: PollReadiness, now: ContinuousClock.Instant) -> [Event] {
    var events = link.process(readiness, now: now).flatMap(events)
    if !opening.isJoined, now >= joinDeadline {
      events.append(.ended(.broken("the queue '\(queue.name)' does not answer")))
    }
    link.flush()
    return events
  }

  private func events(_ event: BrokerLink.Event) -> [Event] {
    switch event {
    case .failed(let failure): [.ended(.failed(failure))]
    case .connection(.delivered(_, let delivery)):
      [.received(ElectionMessage(delivery.properties), deliveryTag: delivery.envelope.deliveryTag)]
    case .connection(.returned): [.ended(.broken("there is no queue '\(queue.name)' any more"))]
    case .connection(.method(_, let method)): opening.isJoined ? joined(method) : open(method)
    case .connection: []
    }
  }

  private func open(_ method: Method) -> [Event] {
    if case .connectionBlocked(let reason) = method { return [.blocked(reason: reason)] }
    switch opening.received(method) {
    case .none: return []
    case .send(let methods):
      do {
        for method in methods { try link.send(method, on: ElectionQueue.channel) }
        return []
      } catch {
        return [.ended(.broken("\(error)"))]
      }
    case .joined: return [.joined(replyTo: opening.replyTo)]
    case .refused(let reason): return [.ended(.refused(reason))]
    }
  }

  private func joined(_ method: Method) -> [Event] {
    switch method {
    case .basicAck(let number, let multiple): confirms.settled(number, multiple: multiple).map { .confirmed($0) }
    case .basicNack: [.ended(.broken("the queue '\(queue.name)' takes no message"))]
    case .basicCancel: [.ended(.broken("the broker has ended the consumer: is the queue '\(queue.name)' deleted?"))]
    case .channelClose(let reason): [.ended(.broken("the broker has closed the channel: \(reason.text)"))]
    case .connectionBlocked(let reason): [.blocked(reason: reason)]
    case .connectionUnblocked: [.blocked(reason: nil)]
    default: []
    }
  }
}
