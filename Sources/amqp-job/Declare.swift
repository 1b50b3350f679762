import Arguments
import Broker
import Console
import Linux

/// `amqp-job declare`
enum Declare: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "declare",
    summary: "Make a queue with its retry and dead-letter queues, or remove them.",
    examples: [
      "amqp-job declare fruits", "amqp-job declare fruits --exchange shop --routing-key 'fruit.*'",
      "amqp-job declare fruits --delete --if-empty",
    ],
    notes:
      "QUEUE is Q below (default AMQP_QUEUE, QUEUE, but not with --delete). Q.dead gets what nobody should try again, Q.retry holds what is to be tried again later. "
      + "Queues that are there with the same properties are a success. --delete of what is not there is a success, too.",
    operands: .optional(name: "QUEUE"),
    groups: [
      OptionGroup(
        "Options",
        [
          QueueName.option,
          Option("plain", "the queue alone, without Q.retry and Q.dead").everyday,
          Option("type", value: "quorum|classic", "the queue's type (default quorum)").everyday,
          Option("exchange", value: "NAME", "bind the queue to this exchange").everyday,
          Option("routing-key", value: "KEY", "key to bind it with (default the queue's name)"),
          Option("consumer-timeout", value: "DURATION", "how long a consumer may take over an item"),
          Option(
            "arg", value: "NAME=VALUE",
            "another argument of the queue, such as x-single-active-consumer=true"
          ).repeatable,
          Option("delete", "remove the queues, and what is in them").everyday,
          Option("if-empty", "remove them only if all are empty"),
        ]), BrokerOptions.group, LogOptions.group(verbose: "what was made, and what was there"),
    ],
    exitStatuses: [
      Explained(.success, "The queues are there as asked for; with --delete, none of them is."),
      Explained(.failure, "--if-empty: one of the queues is not empty, and none was removed."),
      StatusMeaning.usage, Explained(.noQueue, "There is no such exchange."), StatusMeaning.unreachable,
      StatusMeaning.noResources, Explained(.inputOutputError, "--log-file cannot be written."), StatusMeaning.lost,
      StatusMeaning.notPermitted,
      Explained(.wrongQueue, "One of the queues is there already and was declared otherwise; nothing was made."),
    ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let isDeleting = arguments.contains("delete")
    let onlyDeclaring = ["type", "exchange", "routing-key", "consumer-timeout", "arg"].filter(arguments.contains)
    if isDeleting, let option = onlyDeclaring.first { throw UsageError("--delete does not go with --\(option)") }
    guard isDeleting || !arguments.contains("if-empty") else { throw UsageError("--if-empty goes with --delete") }
    let isPlain = try settings.flag("plain")
    let operand = try settings.operands().first
    guard !isDeleting || operand != nil || arguments.contains("queue") else {
      throw UsageError("--delete wants the queue by name, not from the environment")
    }
    let name = try QueueName.resolved(operand: operand, &settings)
    let queue = isPlain ? WorkQueue(name) : try QueueName.family(name)
    let setUp = isDeleting ? nil : try QueueSetUp(queue, isPlain: isPlain, &settings)
    let broker = try BrokerOptions(&settings)
    let reporter = try LogOptions.reporter(&settings)
    broker.warn(reporter)

    let conversation = BrokerConversation("amqp-job declare", broker, reporter)
    if let setUp {
      try conversation.hold(about: queue.name) { try setUp.make($0, reporter) }
    } else {
      let removal = QueueRemoval(conversation, of: queue.name, isPlain ? [queue.name] : queue.names)
      try removal.remove(ifEmpty: arguments.contains("if-empty"), reporter)
    }
  }
}
