import AMQP
import ArgumentParser
import Broker
import JobRunner
import Linux

struct Declare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a durable queue, or remove it.",
    discussion: """
      EXAMPLE
        amqp-job declare fruits
        amqp-job declare fruits --exchange shop --routing-key 'fruit.*'
        amqp-job declare fruits --delete --if-empty

      A queue that is there with the same properties is a success; one with others is exit status 78.
      """)

  enum QueueType: String, ExpressibleByArgument, CaseIterable {
    case quorum
    case classic
  }

  @Argument(help: "The queue's name.")
  var queue: String

  @Flag(help: "The queue alone.")
  var plain = false

  @Option(help: "quorum or classic (default: quorum).")
  var type: QueueType?

  @Option(help: "Bind the queue to this exchange.")
  var exchange: String?

  @Option(help: "Key to bind it with (default: the queue's name).")
  var routingKey: String?

  @Option(
    name: .customLong("arg"),
    help: ArgumentHelp("Another argument of the queue, such as x-max-length=1000.", valueName: "key=value"))
  var arguments: [QueueArgument] = []

  @Flag(help: "Remove the queue.")
  var delete = false

  @Flag(help: "Remove it only if it is empty.")
  var ifEmpty = false

  @OptionGroup(title: "Broker") var broker: BrokerOptions
  @OptionGroup(title: "Log") var log: LogOptions

  private static let channel: UInt16 = 1

  func run() throws {
    ThisProcess.forbidDumping()
    var settings = Settings(ThisProcess.environment)
    let broker = try broker.resolved(&settings)
    let reporter = try log.reporter(&settings)
    _ = try QueueName.checked(queue)
    guard delete || !ifEmpty else { throw Failure(.usage, "--if-empty goes with --delete") }
    let isDeclaring = exchange != nil || routingKey != nil || type != nil || !arguments.isEmpty || plain
    guard !(delete && isDeclaring) else {
      throw Failure(.usage, "--delete goes with --if-empty alone")
    }
    guard routingKey == nil || exchange != nil else {
      throw Failure(.usage, "--routing-key goes with --exchange")
    }
    let type = delete ? nil : try settings.value(type, "type") ?? .quorum
    if let warning = broker.warning { reporter.report(LogEntry(.warning, warning)) }

    do {
      if let type {
        try converse(with: broker) { try declare($0, type) }
      } else if ifEmpty {
        try deleteIfEmpty(broker)
      } else {
        try converse(with: broker) { session in
          // The broker itself calls the removal of a queue that is not there a success.
          _ = try session.queueStatus(queue, on: Self.channel)
          _ = try session.delete(queue: queue, ifEmpty: false, on: Self.channel)
        }
      }
    } catch {
      throw Failure(error, queue: queue, broker: nil)
    }
  }

  private func converse(
    with broker: BrokerOptions.Resolved, _ body: (BrokerSession) throws -> Void
  ) throws {
    let session = try BrokerSession.connect(
      to: broker.brokers, timeout: broker.connectTimeout, heartbeat: broker.heartbeat,
      name: "amqp-job declare")
    defer { session.close() }
    do {
      try session.openChannel(Self.channel)
      try body(session)
    } catch let failure as BrokerFailure {
      throw failure
    } catch {
      throw Failure(error, queue: queue, broker: session.broker)
    }
  }

  private func declare(_ session: BrokerSession, _ type: QueueType) throws {
    var table: FieldTable = ["x-queue-type": .string(ByteString(type.rawValue))]
    for argument in arguments { table.append(ByteString(argument.name), argument.value) }
    try session.declare(
      .init(name: ByteString(queue), arguments: table), on: Self.channel)
    if let exchange {
      try session.bind(
        queue: queue, to: exchange, routingKey: routingKey ?? queue, on: Self.channel)
    }
  }

  private func deleteIfEmpty(_ broker: BrokerOptions.Resolved) throws {
    do {
      try converse(with: broker) { session in
        try checkEmpty(session)
        do {
          _ = try session.delete(queue: queue, ifEmpty: true, on: Self.channel)
        } catch BrokerSession.CallError.refused(let reason) where reason.code == .preconditionFailed {
          throw Failure(.failure, "queue '\(queue)' at \(session.broker) was not removed: \(reason.text)")
        }
      }
    } catch let failure as BrokerFailure where failure.closeReason?.code == .notImplemented {
      // Of a quorum queue the broker cannot do both in one step, and hangs up over it. So what came in between is counted.
      try converse(with: broker) { session in
        try checkEmpty(session)
        let lost = try session.delete(queue: queue, ifEmpty: false, on: Self.channel)
        guard lost == 0 else {
          throw Failure(
            .failure,
            "\(lost) items came to queue '\(queue)' at \(session.broker) as it was removed, and went with it: publish them again"
          )
        }
      }
    }
  }

  /// What is ready counts, and what a consumer may hold and give back.
  private func checkEmpty(_ session: BrokerSession) throws {
    let status = try session.queueStatus(queue, on: Self.channel)
    guard status.messageCount == 0, status.consumerCount == 0 else {
      throw Failure(
        .failure,
        "queue '\(queue)' at \(session.broker) is not empty, and was not removed: "
          + "\(status.messageCount) items, \(status.consumerCount) consumers")
    }
  }
}

/// `KEY=VALUE`: a whole number, `true`, `false`, or else text; text that looks like one of these stands in double quotes.
struct QueueArgument: ExpressibleByArgument {
  let name: String
  let value: FieldValue

  init?(argument: String) {
    guard let separator = argument.firstIndex(of: "="), separator > argument.startIndex else {
      return nil
    }
    name = String(argument[..<separator])
    let text = argument[argument.index(after: separator)...]
    guard (1...255).contains(name.utf8.count) else { return nil }
    if let number = Int64(text) {
      value = .int64(number)
    } else if let flag = Bool(String(text)) {
      value = .boolean(flag)
    } else if text.count > 1, text.first == "\"", text.last == "\"" {
      value = .string(ByteString(String(text.dropFirst().dropLast())))
    } else {
      value = .string(ByteString(String(text)))
    }
  }
}
