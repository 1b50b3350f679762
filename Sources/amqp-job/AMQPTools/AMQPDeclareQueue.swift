import AMQP
import Arguments
import Broker
import Console

/// `amqp-declare-queue`
enum AMQPDeclareQueue: AMQPTool {
  static let queue = ToolOptions.queue.described("the queue name to declare, or the empty string")
  static let durable = PoptOption.constant("durable", short: "d", "declare a durable queue")

  static let definition = PoptCommand(
    program: ToolName.declareQueue.rawValue, summary: "Make a queue on an AMQP server, and print its name.",
    examples: ["amqp-declare-queue -q fruits -d", "QUEUE=$(amqp-declare-queue -q '')"],
    differences: ["The exit status is 1 if the name cannot be printed."] + ConnectionOptions.differences,
    options: [queue, durable], common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The queue exists."),
    Explained("1", "The program failed. A line on standard error says why."),
  ]

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard let queue = try arguments.name(queue) else { throw UsageError("queue name not specified") }
    try BrokerConversation(program: definition.program, options).hold(about: queue) {
      conversation throws(ConversationError) in
      let declaration = Method.QueueDeclaration(name: ByteString(queue), isDurable: arguments[durable])
      let status = try conversation.ask { session throws(SessionError) in
        try session.declare(declaration, on: BrokerConversation.channel)
      }
      do throws(Failure) { try write(Array("\(status.name)\n".utf8)) } catch { throw .failed(error) }
    }
    return .success
  }
}
