import AMQP
import Arguments
import Broker
import Console

/// `amqp-declare-queue`
enum AMQPDeclareQueue: AMQPTool {
  static let definition = PoptCommand(
    program: ToolName.declareQueue.rawValue, summary: "Make a queue on an AMQP server, and print its name.",
    examples: ["amqp-declare-queue -q fruits -d", "QUEUE=$(amqp-declare-queue -q '')"],
    differences: ["Where the name cannot be printed, the exit status is 1."] + ConnectionOptions.differences,
    options: [
      PoptOption("queue", short: "q", .text("queue"), "the queue name to declare, or the empty string"),
      PoptOption("durable", short: "d", .constant, "declare a durable queue"),
    ], common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The queue is there."),
    Explained("1", "It failed; a line on standard error says why."),
  ]

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard let queue = try arguments.name("queue") else { throw Failure(.usage, "queue name not specified") }
    try BrokerConversation(program: definition.program, options).hold(about: queue) { session in
      let status = try session.declare(
        .init(name: ByteString(queue), isDurable: arguments.contains("durable")), on: BrokerConversation.channel)
      try write(Array("\(status.name)\n".utf8))
    }
    return .success
  }
}
