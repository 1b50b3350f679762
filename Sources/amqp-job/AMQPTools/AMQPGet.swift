import AMQP
import Arguments
import Broker
import Console
import Linux

/// `amqp-get`
enum AMQPGet: AMQPTool {
  static let definition = PoptCommand(
    program: ToolName.get.rawValue, summary: "Take one message from a queue on an AMQP server, and print its body.",
    examples: ["amqp-get -q fruits"],
    differences: [
      "The message is acked after its body has been written, and exit status 0 means that the server has taken the ack. "
        + "If standard output is closed, full, or read by nobody, the message goes back to the queue, and the exit status "
        + "is 1. The original loses the message in this case."
    ] + ConnectionOptions.differences,
    options: [ToolOptions.queue],
    common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The message was written to standard output, and it is no longer in the queue."),
    Explained("1", "The program failed. A line on standard error says why."),
    Explained("2", "The queue is empty."),
  ]

  private static let empty = ExitStatus(rawValue: 2)
  /// A larger body is written piece by piece as it arrives.
  private static let largestInMemory = 1 << 20

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard let queue = try arguments.name(ToolOptions.queue) else { throw UsageError("queue not specified") }
    guard !ThisProcess.isOutputClosed else { throw Failure(.failure, "standard output is closed: nothing was taken") }
    let otherwise = "; the message goes back to queue '\(queue)'"
    return try BrokerConversation(program: definition.program, options).hold(
      about: queue, largestBodyInMemory: largestInMemory
    ) { conversation throws(ConversationError) in
      var writing = Writing(otherwise: otherwise)
      let delivery = try conversation.ask { session throws(SessionError) in
        try session.get(from: queue, on: BrokerConversation.channel) { part, _ in writing.write(part) }
      }
      if let delivery { _ = writing.write(delivery.body) }
      if let failure = writing.failure { throw .failed(failure) }
      guard let delivery else { return empty }
      try conversation.ask { session throws(SessionError) in
        try session.send(
          .basicAck(deliveryTag: delivery.envelope.deliveryTag, multiple: false), on: BrokerConversation.channel)
        try session.closeChannel(BrokerConversation.channel)
      }
      return .success
    }
  }

  /// Writes a body to standard output, until that fails.
  private struct Writing {
    let otherwise: String
    private(set) var failure: Failure?

    init(otherwise: String) { self.otherwise = otherwise }

    /// Returns whether the part was written.
    mutating func write(_ part: [UInt8]) -> Bool {
      do { try AMQPGet.write(part, otherwise: otherwise) } catch { failure = error }
      return failure == nil
    }
  }
}
