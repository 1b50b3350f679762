import Arguments
import Broker
import Console

/// `amqp-delete-queue`
enum AMQPDeleteQueue: AMQPTool {
  static let definition = PoptCommand(
    program: ToolName.deleteQueue.rawValue,
    summary: "Delete a queue from an AMQP server, and print how many messages went with it.",
    examples: ["amqp-delete-queue -q fruits", "amqp-delete-queue -q fruits --if-unused -e"],
    differences: ["-u is --url, as in the original, whatever its help says: --if-unused has no letter."]
      + ConnectionOptions.differences,
    options: [
      PoptOption("queue", short: "q", .text("queue"), "the queue name to delete"),
      PoptOption("if-unused", short: "u", .constant, "do not delete unless queue is unused"),
      PoptOption("if-empty", short: "e", .constant, "do not delete unless queue is empty"),
    ], common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The queue is not there, or not any more."),
    Explained("1", "It failed; a line on standard error says why."),
  ]

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard let queue = try arguments.name("queue"), !queue.isEmpty else {
      throw Failure(.usage, "queue name not specified")
    }
    try BrokerConversation(program: definition.program, options).hold(about: queue) { session in
      let count = try session.delete(
        queue: queue, ifUnused: arguments.contains("if-unused"), ifEmpty: arguments.contains("if-empty"),
        on: BrokerConversation.channel)
      try write(Array("\(count)\n".utf8))
    }
    return .success
  }
}
