import AMQP
import Arguments
import Broker
import JobRunner
import Linux

/// `amqp-job declare`
struct Declare: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "declare", summary: "Make a durable queue, or remove it.",
    examples: [
      "amqp-job declare fruits", "amqp-job declare fruits --exchange shop --routing-key 'fruit.*'",
      "amqp-job declare fruits --delete --if-empty",
    ],
    notes: "A queue that is there with the same properties is a success; one with others is exit status 78.",
    operands: .one(name: "QUEUE"),
    groups: [
      OptionGroup(
        "Options",
        [
          Option("plain", "the queue alone"),
          Option("type", value: "quorum|classic", "the queue's type (default quorum)"),
          Option("exchange", value: "NAME", "bind the queue to this exchange"),
          Option("routing-key", value: "KEY", "key to bind it with (default the queue's name)"),
          Option(
            "arg", value: "NAME=VALUE", "another argument of the queue, such as x-max-length=1000; may be repeated"),
          Option("delete", "remove the queue"),
          Option("if-empty", "remove it only if it is empty"),
        ]), BrokerOptions.group, LogOptions.group,
    ])

  enum QueueType: String, CaseIterable {
    case quorum
    case classic
  }

  private static let channel: UInt16 = 1

  let queue: String
  let broker: BrokerOptions
  let exchange: String?
  let routingKey: String?

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let isDeleting = arguments.contains("delete")
    let onlyDeclaring = ["type", "exchange", "routing-key", "arg"].filter(arguments.contains)
    if isDeleting, let option = onlyDeclaring.first { throw UsageError("--delete does not go with --\(option)") }
    guard isDeleting || !arguments.contains("if-empty") else { throw UsageError("--if-empty goes with --delete") }
    let (exchange, routingKey) = (settings.text("exchange"), settings.text("routing-key"))
    guard exchange != nil || routingKey == nil else { throw UsageError("--routing-key goes with --exchange") }
    let type: QueueType = try settings.choice("type") ?? .quorum
    let fields = try settings.list("arg").map { try FieldArgument($0, option: "--arg") }
    let names = fields.map(\.name)
    guard !names.contains("x-queue-type") else { throw UsageError("--arg x-queue-type=... is --type") }
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw UsageError("--arg \(twice)=... is given twice")
    }
    guard [exchange, routingKey].allSatisfy({ ($0?.utf8.count ?? 0) <= 255 }) else {
      throw UsageError("--exchange and --routing-key have at most 255 bytes")
    }
    let declare = Declare(
      queue: try QueueName.checked(arguments.operands[0]), broker: try BrokerOptions(&settings),
      exchange: exchange, routingKey: routingKey)
    declare.broker.warn(try LogOptions.reporter(&settings))

    do {
      if !isDeleting {
        try declare.converse { try declare.make($0, type, fields) }
      } else if arguments.contains("if-empty") {
        try declare.deleteIfEmpty()
      } else {
        try declare.converse { try declare.delete($0) }
      }
    } catch {
      throw Failure(error, queue: declare.queue, broker: nil)
    }
  }

  private func converse(_ body: (BrokerSession) throws -> Void) throws {
    let session = try broker.connect(name: "amqp-job declare")
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

  private func make(_ session: BrokerSession, _ type: QueueType, _ fields: [FieldArgument]) throws {
    var table: FieldTable = ["x-queue-type": .string(ByteString(type.rawValue))]
    for field in fields { table.append(ByteString(field.name), field.value) }
    try session.declare(.init(name: ByteString(queue), arguments: table), on: Self.channel)
    if let exchange {
      try session.bind(queue: queue, to: exchange, routingKey: routingKey ?? queue, on: Self.channel)
    }
  }

  private func delete(_ session: BrokerSession) throws {
    // The broker itself calls the removal of a queue that is not there a success.
    _ = try session.queueStatus(queue, on: Self.channel)
    _ = try session.delete(queue: queue, ifEmpty: false, on: Self.channel)
  }

  private func deleteIfEmpty() throws {
    do {
      try converse { session in
        try checkEmpty(session)
        do {
          _ = try session.delete(queue: queue, ifEmpty: true, on: Self.channel)
        } catch BrokerSession.CallError.refused(let reason) where reason.code == .preconditionFailed {
          throw Failure(.failure, "queue '\(queue)' at \(session.broker) was not removed: \(reason.text)")
        }
      }
    } catch let failure as BrokerFailure where failure.closeReason?.code == .notImplemented {
      // Of a quorum queue the broker cannot do both in one step, and hangs up over it. So what came
      // in between is counted.
      try converse { session in
        try checkEmpty(session)
        let lost = try session.delete(queue: queue, ifEmpty: false, on: Self.channel)
        guard lost == 0 else {
          throw Failure(
            .failure,
            "\(lost) items came to queue '\(queue)' at \(session.broker) as it was removed, "
              + "and went with it: publish them again"
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
