import AMQP
import Arguments
import Broker
import Console
import JobRunner
import Linux

/// `amqp-consume`: a runner that takes the options of that program.
enum AMQPConsume: AMQPTool {
  static let definition = PoptCommand(
    program: ToolName.consume.rawValue,
    summary: "Run a command on each message of a queue, which is its standard input.",
    examples: ["amqp-consume --url=$BROKER_URL -q $QUEUE -c 1 ./worker.py"],
    differences: [
      "A message is acked when the command has exited 0 on it, and never before, with --no-ack neither. One on which the "
        + "command failed goes back to the queue at once. The original keeps it until it ends itself.",
      "With --count, so many messages are taken. The exit status is 0 only if the command exited 0 on each of them, and "
        + "the broker took every ack; of a single one that failed it is the command's, where that is not from 64 to 78 or "
        + "124 to 128, else 1. The original exits 0. Without --count it never is 0: messages are taken for ever, after "
        + "failures in a row with pauses.",
      "TERM, INT and HUP are passed on to the command. Its message is acked if it exits 0, else it goes back. A second one, "
        + "or 20 s, kill it. The exit status is 128 and the signal's number.",
      "The options end at the command: its own are never taken for these. A script without a first line that names its "
        + "interpreter is run by /bin/sh, as execvp(3) does.",
      "No message is taken before the command can run on it, whatever --prefetch-count says.",
      "--exchange without --routing-key binds by the empty key, as the original's manual has it.",
      "On a queue that 'amqp-job declare' made, a message that failed waits in the retry queue, and has three attempts.",
      "A stream is refused: it takes nothing back.",
      "A message above 1 MiB is kept in a file in TMPDIR, or /tmp, for the command to read.",
      "The environment is passed on whole, with WORK_ITEM_* about the message (see below).",
      "Without --heartbeat there is one each 30 s. A connection that is lost while nothing runs is made again, for 60 s.",
    ] + ConnectionOptions.differences,
    operands: .command,
    options: [
      PoptOption("queue", short: "q", .text("queue"), "the queue to consume from"),
      PoptOption("exchange", short: "e", .text("exchange"), "bind the queue to this exchange"),
      PoptOption("routing-key", short: "r", .text("routing key"), "the routing key to bind with"),
      PoptOption(
        "declare", short: "d", .flag, "declare an exclusive queue (deprecated, use --exclusive instead)"),
      PoptOption("exclusive", short: "x", .flag, "declare the queue as exclusive"),
      PoptOption("no-ack", short: "A", .flag, "consume in no-ack mode"),
      PoptOption("count", short: "c", .number("limit"), "stop consuming after this many messages are consumed"),
      PoptOption(
        "prefetch-count", short: "p", .number("limit"), "receive only this many message at a time from the server"),
    ],
    common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "The command exited 0 on every message, and the server took every ack."),
    Explained(
      "1", "The command failed on a message of several, or the connection, the queue or an option is at fault."),
    Explained("70", "The system has no process or descriptors for the command; its message went back."),
    Explained("74", "A message could not be stored; it went back as it was."),
    Explained(
      "75",
      "The connection was lost while the command ran, or with it a queue of its own; or another consumer has the queue to itself."
    ),
    Explained("76", "The server took a message back, or refused its ack."),
    Explained("126, 127", "The command cannot be executed, or was not found; no message was run."),
    Explained("128 + N", "Signal N ended it, or the command on a single message."),
    Explained("other", "The command's on a single message; 64 to 78 and 124 to 128 become 1."),
  ]

  private static let defaultHeartbeat: UInt16 = 30

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    guard !arguments.operands.isEmpty else { throw PoptError("consuming command not specified") }
    let connection = try ConnectionOptions(arguments)
    let options = try jobOptions(arguments, connection)
    let surroundings = Surroundings(ThisProcess.environment)
    let program: ProcessGroups.Program
    do {
      program = try .init(command: arguments.operands, searchPath: surroundings.path)
    } catch let failure as Failure {
      report(failure)
      return failure.status
    }
    // The original needs no directory, so the directory is not checked before a message has to be stored.
    let spooling = try Spooling(
      directory: nil, otherwise: surroundings.temporaryDirectory, largestInMemory: Spooling.largestInMemory,
      parallelism: options.parallelism)
    let reporter = Reporter(
      Logger(
        program: asProgram, format: .text, threshold: options.leastLogged,
        write: ThisProcess.writeToStandardError))
    var configuration = EventLoop.Configuration(
      access: connection.access,
      heartbeat: arguments.contains("heartbeat") ? connection.heartbeat : defaultHeartbeat,
      connectionName: "amqp-consume \(options.queue) on \(ThisProcess.hostName)", worker: program,
      environment: WorkerEnvironment(surroundings.environment, usedSettings: [], passesSettings: true),
      feed: .stdin, spoolDirectory: spooling.directory, largestBodyInMemory: spooling.largestInMemory,
      host: ThisProcess.hostName, liveness: nil)
    configuration.announceQueue = announce
    return try EventLoop(options, configuration, log: reporter.report).run().asOfAMQPConsume
  }

  private static func jobOptions(_ arguments: PoptArguments, _ connection: ConnectionOptions) throws -> JobOptions {
    let queue = try arguments.name("queue")
    let exchange = try arguments.name("exchange")
    let keys = try arguments.name("routing-key")
    guard exchange != nil || keys == nil else {
      throw Failure(.usage, "--routing-key option requires an exchange name to be provided with --exchange")
    }
    var options = JobOptions(brokers: [connection.broker], queue: queue ?? "")
    let isExclusive = arguments.contains("exclusive")
    if queue == nil || exchange != nil || isExclusive || arguments.contains("declare") {
      // Commas separate keys, and empty keys between them are left out.
      let routingKeys = keys.map { $0.split(separator: ",").map(String.init) } ?? [""]
      options.queueOrigin = .own(OwnQueue(isExclusive: isExclusive, exchange: exchange, routingKeys: routingKeys))
    } else {
      options.queueOrigin = .any
      guard !options.queue.isEmpty else { throw Failure(.noQueue, "--queue names no queue") }
    }
    let count = arguments.number("count") ?? -1
    options.runsMalformed = true
    options.extent = .count(count < 0 ? .max : Int(count))
    options.waitsForBroker = false
    options.leastLogged = .warning
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
