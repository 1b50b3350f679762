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
      "The message is acknowledged when its body has been written, and exit status 0 means that the server has taken that. "
        + "It is in the queue again, and the exit status 1, where standard output is closed, full, or read by nobody; "
        + "with the original it is gone then."
    ] + ConnectionOptions.differences,
    options: [PoptOption("queue", short: "q", .text("queue"), "the queue to consume from")],
    common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The message is written out, and not in the queue any more."),
    Explained("1", "It failed; a line on standard error says why."),
    Explained("2", "The queue is empty."),
  ]

  private static let empty = ExitStatus(rawValue: 2)
  /// A larger body is written piece by piece as it arrives.
  private static let largestInMemory = 1 << 20

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard let queue = try arguments.name("queue") else { throw Failure(.usage, "queue not specified") }
    guard !ThisProcess.isOutputClosed else { throw Failure(.failure, "standard output is closed: nothing was taken") }
    let otherwise = "; the message goes back to queue '\(queue)'"
    return try BrokerConversation(program: definition.program, options).hold(
      about: queue, largestBodyInMemory: largestInMemory
    ) { session in
      guard
        let delivery = try session.get(
          from: queue, on: BrokerConversation.channel, onPart: { part, _ in try write(part, otherwise: otherwise) })
      else { return empty }
      try write(delivery.body, otherwise: otherwise)
      try session.send(
        .basicAck(deliveryTag: delivery.envelope.deliveryTag, multiple: false), on: BrokerConversation.channel)
      try session.closeChannel(BrokerConversation.channel)
      return .success
    }
  }
}
