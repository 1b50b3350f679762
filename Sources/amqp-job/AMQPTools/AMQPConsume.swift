import AMQP
import Arguments
import Broker
import Console
import JobRunner
import Linux

/// `amqp-consume`: a runner that takes the options of that program.
enum AMQPConsume: AMQPTool {
  static let queue = ToolOptions.queue
  static let exchange = ToolOptions.exchange.described("bind the queue to this exchange")
  static let routingKey = ToolOptions.routingKey.described("the routing key to bind with")
  static let declare = PoptOption.flag(
    "declare", short: "d", "declare an exclusive queue (deprecated, use \(exclusive) instead)")
  static let exclusive = PoptOption.flag("exclusive", short: "x", "declare the queue as exclusive")
  static let noAck = PoptOption.flag("no-ack", short: "A", "consume in no-ack mode")
  static let count = PoptOption.number(
    "count", short: "c", "limit", "stop consuming after this many messages are consumed")
  static let prefetchCount = PoptOption.number(
    "prefetch-count", short: "p", "limit", "receive only this many message at a time from the server")

  static let definition = PoptCommand(
    program: ToolName.consume.rawValue,
    summary: "Run a command on each message of a queue, which is its standard input.",
    examples: ["amqp-consume --url=$BROKER_URL -q $QUEUE -c 1 ./worker.py"],
    differences: [
      "A message is acked only after the command has exited 0 on it, even with --no-ack. If the command fails on a "
        + "message, the message is requeued at once. The original keeps such a message until the original itself ends.",
      "--count is the number of messages to take. The exit status is 0 only if the command exited 0 on every message and "
        + "the broker took every ack. If --count is 1 and the command fails, the exit status is the command's, but a "
        + "command's 64 to 78 and 124 to 128 become 1. If the command fails on one of several messages, the exit status "
        + "is 1. In both cases of failure, the original exits 0.",
      "Without --count, messages are taken without end, and the exit status is never 0. After several failures in a row, "
        + "the program pauses before it takes another message.",
      "The program passes TERM, INT and HUP on to the command. If the command then exits 0, its message is acked. "
        + "Otherwise the message is requeued. \(killing) The exit status is 128 plus the signal's number.",
      "The options end at the command, so the command's own options are never read as options of this program. A script "
        + "whose first line names no interpreter is run by /bin/sh, as with execvp(3).",
      "No message is taken before the command can run on it, whatever --prefetch-count says.",
      "--exchange without --routing-key binds the queue with the empty routing key, as the original's manual says.",
      "On a queue that 'amqp-job declare' made, a failed message waits in the retry queue, and has three attempts.",
      "A stream is refused, since its messages cannot be requeued. So are the queues that 'amqp-job declare' made to hold failed "
        + "messages or to count them.",
      "If an auto-delete queue that existed before is deleted with messages in it, because this program was its last consumer, a "
        + "line says how many went with it, and the exit status is 1 instead of 0.",
      "A message above 1 MiB is kept in a file while the command reads it. The file is in TMPDIR, or in /tmp.",
      "The command gets the whole environment. The variables WORK_ITEM_* describe the message (see below).",
      "Without \(ConnectionOptions.heartbeat), the heartbeat interval is \(defaultHeartbeat) s. \(reconnecting)",
    ] + ConnectionOptions.differences,
    operands: .command, missingCommand: "consuming command not specified",
    options: [
      queue, exchange, routingKey, declare, exclusive, noAck, count, prefetchCount,
    ],
    common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The command exited 0 on every message, and the server took every ack."),
    Explained(
      "1", "The command failed on one of several messages. Or the connection, the queue or an option is at fault."),
    Explained(
      "70", "The system has no process or file descriptor for the command. The message went back to the queue."),
    Explained("74", "A message could not be stored. It went back to the queue unchanged."),
    Explained(
      "75",
      "The connection was lost while the command ran, or a queue that this program had declared was lost with the "
        + "connection. Or another consumer has exclusive access to the queue."),
    Explained("76", "The server took a message back, or it refused the ack."),
    Explained("126, 127", "The command cannot be executed, or was not found. It ran on no message."),
    Explained("128 + N", "Signal N ended this program, or the command on a single message."),
    Explained(
      "other", "On a single message, the status is the command's own. A command's 64 to 78 and 124 to 128 become 1."),
  ]

  private static var killing: String {
    let grace = Run.defaults.worker.grace.components.seconds
    return "The command is killed at a second signal, or if it has not ended after \(grace) s."
  }

  private static var reconnecting: String {
    let limit = Run.defaults.connection.connectTimeout.components.seconds
    return "If the connection is lost while no command runs, the program tries for \(limit) s to connect again."
  }

  private static let defaultHeartbeat = UInt16(BrokerOptions.heartbeat.defaultValue.components.seconds)

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let connection = try ConnectionOptions(arguments)
    let options = try jobOptions(arguments, connection)
    let environment = Environment(ThisProcess.environment)
    let program: ProcessGroups.Program
    do {
      program = try .init(command: arguments.operands, searchPath: environment.path, beforeItems: true)
    } catch let failure as Failure {
      report(failure)
      return failure.status
    }
    // The original needs no directory, so the directory is not checked before a message has to be stored.
    let spooling = try Spooling(
      directory: nil, otherwise: environment.temporaryDirectory, largestInMemory: Spooling.largestInMemory,
      parallelism: options.parallelism)
    let reporter = Reporter(
      Logger(
        program: asProgram, format: .text, threshold: options.report.leastLogged,
        write: ThisProcess.writeToStandardError))
    var configuration = EventLoop.Configuration(
      access: connection.access,
      heartbeat: arguments.contains(ConnectionOptions.heartbeat) ? connection.heartbeat : defaultHeartbeat,
      connectionName: "amqp-consume \(options.queue) on \(ThisProcess.hostName)", worker: program,
      environment: WorkerEnvironment(environment.entries, usedSettings: [], passesSettings: true),
      feed: .stdin, spoolDirectory: spooling.directory, largestBodyInMemory: spooling.largestInMemory,
      host: ThisProcess.hostName, signs: EventLoop.Configuration.Signs())
    configuration.listeners.announceQueue = announce
    return try EventLoop(options, configuration, log: reporter.report).run().asOfAMQPConsume
  }

  private static func jobOptions(_ arguments: PoptArguments, _ connection: ConnectionOptions) throws -> JobOptions {
    let queue = try arguments.name(queue)
    let exchange = try arguments.name(exchange)
    let keys = try arguments.name(routingKey)
    guard exchange != nil || keys == nil else {
      throw UsageError("\(routingKey) option requires an exchange name to be provided with \(Self.exchange)")
    }
    var options = JobOptions(brokers: [connection.broker], queue: queue ?? "")
    let isExclusive = arguments[exclusive]
    if queue == nil || exchange != nil || isExclusive || arguments[declare] {
      // Commas separate keys, and empty keys between them are left out.
      let routingKeys = keys.map { $0.split(separator: ",").map(String.init) } ?? [""]
      options.queueOrigin = .own(OwnQueue(isExclusive: isExclusive, exchange: exchange, routingKeys: routingKeys))
    } else {
      options.queueOrigin = .any
      guard !options.queue.isEmpty else { throw Failure(.noQueue, "\(Self.queue) names no queue") }
    }
    let count = arguments[count] ?? -1
    options.attempts.runsMalformed = true
    options.extent = .count(count < 0 ? .max : Int(count))
    options.connection.waitsForBroker = false
    options.report.leastLogged = .warning
    return options
  }

  private static func announce(_ queue: String) {
    let escaped = queue.unicodeScalars.map { scalar in
      guard scalar.isUnprintable else { return "\(scalar)" }
      return "\(scalar)".utf8.map { byte in
        let digits = String(byte, radix: 8)
        return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
      }.joined()
    }
    ThisProcess.writeToStandardError("Server provided queue name: \(escaped.joined())\n")
  }
}

extension ExitStatus {
  /// The status with which the original ends for the same reason. It knows no other failure than 1.
  fileprivate var asOfAMQPConsume: ExitStatus {
    let known: [ExitStatus] = [.usage, .noQueue, .unreachable, .notPermitted, .wrongQueue]
    return known.contains(self) ? .failure : self
  }
}
