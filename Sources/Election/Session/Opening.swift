internal import AMQP
internal import Broker

/// How a candidate joins an election over a new connection: it declares the queue, and then consumes. The declaration also proves
/// that the queue has a single active consumer. Without that, two candidates could get messages at once.
struct Opening: Hashable, Sendable {
  enum Progress: Hashable, Sendable {
    case none
    case send([Method])
    case joined
    case refused(CloseReason)
  }

  private enum Step: Hashable, Sendable {
    case declaring(WorkQueue.Kind)
    case joining
    case joined
  }

  private let queue: ElectionQueue
  let replyTo: ByteString
  private var step = Step.declaring(.quorum)
  /// Why the queue is no quorum queue.
  private var refusal: CloseReason?

  init(_ queue: ElectionQueue, replyTo: ByteString) { (self.queue, self.replyTo) = (queue, replyTo) }

  var isJoined: Bool { step == .joined }

  /// The first methods.
  var methods: [Method] { [.channelOpen, queue.declaration(.quorum)] }

  mutating func received(_ method: Method) -> Progress {
    switch (method, step) {
    case (.queueDeclareOK, .declaring):
      step = .joining
      return .send(queue.joining(replyTo: replyTo))
    case (.basicConsumeOK(ElectionQueue.consumerTag), .joining):
      step = .joined
      return .joined
    case (.channelClose(let reason), .declaring(.quorum)) where Self.mayBeClassic(reason):
      refusal = reason
      step = .declaring(.classic)
      return .send([.channelOpen, queue.declaration(.classic)])
    case (.channelClose(let reason), .declaring(.classic)):
      // The second refusal only says that the type differs, if the first one was about something else.
      return .refused(refusal?.isAboutConsumers == true ? refusal ?? reason : reason)
    case (.channelClose(let reason), _): return .refused(reason)
    default: return .none
    }
  }

  private static func mayBeClassic(_ reason: CloseReason) -> Bool {
    reason.code == .preconditionFailed || reason.code == .notImplemented
  }
}

extension CloseReason {
  fileprivate var isAboutConsumers: Bool { says("'x-single-active-consumer'") }
}
