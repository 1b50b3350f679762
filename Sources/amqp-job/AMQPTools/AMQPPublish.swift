import AMQP
import Arguments
import Broker
import Console
import Linux
import Publishing

/// `amqp-publish`
enum AMQPPublish: AMQPTool {
  static let definition = PoptCommand(
    program: ToolName.publish.rawValue,
    summary: "Publish a message on an AMQP server: from standard input, or from the command line.",
    examples: [
      "amqp-publish -r fruits -p -b apple", "seq 10 | amqp-publish -r numbers -l",
      "amqp-publish -e events -r new -C text/xml <event.xml",
    ],
    differences: [
      "Exit status 0 means that every message is in a queue: each is mandatory, and confirmed by the server. Where there is "
        + "no such queue, no queue is bound, or the server rejects it, the exit status is 1; the original's is 0.",
      "With -l a message is a whole line, its end included, however long it is; the original cuts it at a NUL, and after "
        + "32,767 bytes. -l with -b is refused; the original publishes nothing then, with exit status 0.",
    ] + ConnectionOptions.differences,
    options: [
      PoptOption("exchange", short: "e", .text("exchange"), "the exchange to publish to"),
      PoptOption("routing-key", short: "r", .text("routing key"), "the routing key to publish with"),
      PoptOption("persistent", short: "p", .constant, "use the persistent delivery mode"),
      PoptOption("content-type", short: "C", .text("content type"), "the content-type for the message"),
      PoptOption("reply-to", short: "t", .text("reply to"), "the replyTo to use for the message"),
      PoptOption(
        "line-buffered", short: "l", .constant, "treat each line from standard in as a separate message"),
      PoptOption("content-encoding", short: "E", .text("content encoding"), "the content-encoding for the message"),
      PoptOption(
        "header", short: "H", .list("\"key: value\""), "set a message header (may be specified multiple times)"),
      PoptOption("body", short: "b", .text("body"), "specify the message body"),
    ], common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "Every message is in a queue."),
    Explained(
      "1", "It failed; a line on standard error says why, and with -l how many messages are in a queue."),
    Explained("128 + N", "Signal N ended it."),
  ]

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard arguments.contains("exchange") || arguments.contains("routing-key") else {
      throw Failure(.usage, "neither exchange nor routing key specified")
    }
    let destination = Destination(
      exchange: try arguments.name("exchange") ?? "", routingKey: try arguments.name("routing-key") ?? "")
    var configuration = BatchConfiguration(
      access: options.access, heartbeat: options.heartbeat,
      connectionName: definition.program,
      destination: destination, properties: try properties(arguments), skip: 0, limits: .init(outage: .zero))
    configuration.givesIDs = false
    if destination.exchange.isEmpty {
      configuration.inquiry = .queueDeclare(.init(name: ByteString(destination.routingKey), isPassive: true))
    }
    let report = AMQPPublishReport(destination, hasLines: arguments.contains("line-buffered"))
    let loop = try BatchPublisher(configuration, try source(arguments), notify: report.notify, onTurn: { _, _ in nil })
    let end = try loop.run()
    guard let failure = report.failure(end, loop.publication, broker: loop.broker) else { return .success }
    guard case .signal = end else { throw failure }
    Self.report(failure)
    return failure.status
  }

  private static func source(_ arguments: PoptArguments) throws -> any ItemSource {
    if let body = arguments["body"] {
      guard !arguments.contains("line-buffered") else {
        throw Failure(.usage, "--body and --line-buffered options cannot be used at the same time")
      }
      return GivenItems([body])
    }
    if arguments.contains("line-buffered") {
      return DelimitedItems(delimiter: UInt8(ascii: "\n"), end: [UInt8(ascii: "\n")])
    }
    do { return try WholeInput() } catch { throw Failure(.inputOutputError, "\(error.reason)") }
  }

  private static func properties(_ arguments: PoptArguments) throws -> BasicProperties {
    var properties = BasicProperties()
    properties.deliveryMode = arguments.contains("persistent") ? 2 : 1
    properties.contentType = try arguments.shortString("content-type")
    properties.contentEncoding = try arguments.shortString("content-encoding")
    properties.replyTo = try arguments.shortString("reply-to")
    let headers = try arguments.all("header").map(field)
    if !headers.isEmpty { properties.headers = FieldTable(headers) }
    return properties
  }

  /// Reads a header of the form `key: value`. Any number of spaces may follow the colon.
  private static func field(_ header: [UInt8]) throws -> FieldTable.Entry {
    let key = header.prefix { $0 != UInt8(ascii: ":") }
    guard key.count < header.count else {
      throw Failure(.usage, "header definition missing ':' delimiter in \"\(String(decoding: header, as: UTF8.self))\"")
    }
    guard let name = ShortString(Array(key)) else { throw Failure(.usage, "a header's key is longer than 255 bytes") }
    let value = header[key.endIndex...].dropFirst().drop { $0 == UInt8(ascii: " ") }
    return .init(name: name.value, value: .string(ByteString(Array(value))))
  }
}
