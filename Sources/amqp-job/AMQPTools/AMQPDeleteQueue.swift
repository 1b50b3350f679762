import Arguments
import Broker
import Console

/// `amqp-delete-queue`
enum AMQPDeleteQueue: AMQPTool {
  static let queue = ToolOptions.queue.described("the queue name to delete")
  static let ifUnused = PoptOption.constant("if-unused", short: "u", "do not delete unless queue is unused")
  static let ifEmpty = PoptOption.constant("if-empty", short: "e", "do not delete unless queue is empty")

  static let definition = PoptCommand(
    program: ToolName.deleteQueue.rawValue,
    summary: "Delete a queue from an AMQP server, and print how many messages went with it.",
    examples: ["amqp-delete-queue -q fruits", "amqp-delete-queue -q fruits --if-unused -e"],
    differences: [
      "-u means --url, as in the original, although the help also gives -u to --if-unused. --if-unused has no short form."
    ] + ConnectionOptions.differences,
    options: [queue, ifUnused, ifEmpty], common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The queue was deleted, or it did not exist."),
    Explained("1", "The program failed. A line on standard error says why."),
  ]

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard let queue = try arguments.name(queue), !queue.isEmpty else {
      throw UsageError("queue name not specified")
    }
    try BrokerConversation(program: definition.program, options).hold(about: queue) {
      conversation throws(ConversationError) in
      let count = try conversation.ask { session throws(SessionError) in
        try session.delete(
          queue: queue, ifUnused: arguments[ifUnused], ifEmpty: arguments[ifEmpty], on: BrokerConversation.channel)
      }
      do throws(Failure) { try write(Array("\(count)\n".utf8)) } catch { throw .failed(error) }
    }
    return .success
  }
}
