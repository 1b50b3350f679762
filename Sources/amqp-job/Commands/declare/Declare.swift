import Arguments
import Broker
import Console
import Linux

/// `amqp-job declare`
enum Declare: ToolCommand {
  static let plain = Flag("plain", "the queue alone, without Q.retry, Q.marks and Q.dead").common
  static let type = DefaultedOption("type", .choice, default: WorkQueue.Kind.quorum) {
    "the queue's type (default \($0))"
  }.common
  static let exchange = Option("exchange", .name("NAME"), "bind the queue to this exchange").common
  static let routingKey = Option("routing-key", .name("KEY"), "routing key to bind it with (default the queue's name)")
  static let consumerTimeout = Option(
    "consumer-timeout", .consumerTimeout, "maximum time for a consumer to process an item")
  static let argument = RepeatableOption(
    "arg", .field, "further argument of the queue, such as x-single-active-consumer=true")
  static let retryBackoff = Run.retryBackoff.described(
    "also make the retry queues that 'run' needs for delays that grow by this factor, Q.retry.2 and so on")
  static let delete = Flag("delete", "remove the queues with all their items").common
  static let ifEmpty = Flag("if-empty", "remove them only if all are empty")

  static let name = "declare"
  static let definition = Command(
    tool: Main.tool, name: name,
    summary: "Make a queue with its retry and dead-letter queues, or remove them.",
    examples: [
      "amqp-job declare fruits", "amqp-job declare fruits --exchange shop --routing-key 'fruit.*'",
      "amqp-job declare fruits --retry-delay 1s --retry-backoff 2",
      "amqp-job declare fruits --delete --if-empty",
    ],
    notes:
      "Q stands for QUEUE. Its default is the variable AMQP_QUEUE, or else the variable QUEUE, but --delete has no default. "
      + "Q.retry holds the items that will be tried again later. Q.marks holds an empty message for each item that has been "
      + "there and is not done yet. Q.dead gets the items that nobody should try again. The "
      + "command also succeeds if the queues exist already with the same properties, or if the queues to delete do not "
      + "exist. With \(retryBackoff) it adds what is missing to queues that exist.",
    operands: .optional(name: "QUEUE"),
    groups: [
      OptionGroup(
        "Options",
        [
          QueueName.option, plain, type, exchange, routingKey, consumerTimeout, argument, delete, ifEmpty,
        ]),
      OptionGroup("Delays that grow", [Run.retryDelay, retryBackoff, Run.retryMax]), BrokerOptions.group,
      LogOptions.group(verbose: "what was made, and what was there"),
    ],
    exitStatuses: [
      Explained(.success, "The queues exist as asked for. With --delete, none of them exists."),
      Explained(.failure, "With --if-empty, one of the queues is not empty, and none was removed."),
      StatusMeaning.usage, Explained(.noQueue, "There is no such exchange."), StatusMeaning.unreachable,
      StatusMeaning.noResources, Explained(.inputOutputError, "--log-file cannot be written."), StatusMeaning.lost,
      StatusMeaning.notPermitted,
      Explained(
        .wrongQueue,
        "One of the queues exists already with other properties, so nothing was made. With --if-empty, one of them is a stream, and "
          + "none was removed."),
    ], adviceOnUnknown: foreignOptions.advice)

  private static let foreignOptions = ForeignOption([
    "durable d persistent": "every queue that it makes is durable",
    "auto-delete exclusive": "it makes queues that stay",
    "dlx dead-letter-exchange": "\(argument) x-dead-letter-exchange=NAME goes with \(plain)",
    "max-length": "\(argument) x-max-length=N goes with \(plain)",
    "ttl message-ttl": "\(argument) x-message-ttl=MILLISECONDS",
  ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let task = try DeclareTask(&settings)
    let broker = try BrokerOptions(&settings)
    let reporter = try LogOptions.reporter(&settings)
    broker.warn(reporter)

    let conversation = BrokerConversation("amqp-job declare", broker, reporter)
    switch task {
    case .make(let plan):
      try conversation.hold(about: plan.queue.name) { conversation throws(ConversationError) in
        try QueueSetUp(plan).make(conversation, reporter)
      }
    case .remove(let queue, let names, let ifEmpty):
      try QueueRemoval(conversation, of: queue, names).remove(ifEmpty: ifEmpty, reporter)
    }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var consumerTimeout: Self {
    duration.limited("is at least 1s") { $0 >= .seconds(1) && $0 <= .seconds(UInt32.max) }
  }
}
