import AMQP
import Arguments
import Broker
import Console
import Linux
import Publishing

/// `amqp-publish`
enum AMQPPublish: AMQPTool {
  static let persistent = PoptOption.constant("persistent", short: "p", "use the persistent delivery mode")
  static let contentType = PoptOption.text(
    "content-type", short: "C", "content type", "the content-type for the message")
  static let replyTo = PoptOption.text("reply-to", short: "t", "reply to", "the replyTo to use for the message")
  static let lineBuffered = PoptOption.constant(
    "line-buffered", short: "l", "treat each line from standard in as a separate message")
  static let contentEncoding = PoptOption.text(
    "content-encoding", short: "E", "content encoding", "the content-encoding for the message")
  static let header = PoptOption.list(
    "header", short: "H", "\"key: value\"", "set a message header (may be specified multiple times)")
  static let body = PoptOption.text("body", short: "b", "body", "specify the message body")

  static let definition = PoptCommand(
    program: ToolName.publish.rawValue,
    summary: "Publish a message on an AMQP server: from standard input, or from the command line.",
    examples: [
      "amqp-publish -r fruits -p -b apple", "seq 10 | amqp-publish -r numbers -l",
      "amqp-publish -e events -r new -C text/xml <event.xml",
    ],
    differences: [
      "Exit status 0 means that every message is in a queue, since each message is mandatory and is confirmed by the "
        + "server. The exit status is 1 if there is no such queue, if no queue is bound for a message, or if the server "
        + "rejects a message. The original exits 0 in these cases.",
      "With -l, a message is a whole line with its newline, however long the line is. The original cuts a line at a NUL "
        + "byte and after 32,767 bytes. -l with -b is refused. The original publishes nothing then, and exits 0.",
      "A queue that 'amqp-job declare' made to hold failed items, or to count them, is refused (1). Nothing else may be in it.",
    ] + ConnectionOptions.differences,
    options: [
      ToolOptions.exchange, ToolOptions.routingKey, persistent, contentType, replyTo, lineBuffered, contentEncoding,
      header, body,
    ], common: ConnectionOptions.group)

  static let exitStatuses = [
    Explained("0", "Every message is in a queue."),
    Explained(
      "1",
      "The program failed. A line on standard error says why and, with -l, how many messages are in a queue."),
    Explained("128 + N", "Signal N ended the program."),
  ]

  static func run(_ arguments: PoptArguments) throws -> ExitStatus {
    let options = try ConnectionOptions(arguments)
    guard arguments.contains(ToolOptions.exchange) || arguments.contains(ToolOptions.routingKey) else {
      throw UsageError("neither exchange nor routing key specified")
    }
    let destination = Destination(
      exchange: try arguments.name(ToolOptions.exchange) ?? "",
      routingKey: try arguments.name(ToolOptions.routingKey) ?? "")
    try checkOwner(destination, options)
    var configuration = BatchConfiguration(
      access: options.access, heartbeat: options.heartbeat,
      connectionName: definition.program,
      destination: destination, properties: try properties(arguments), skip: 0, limits: .init(outage: .zero))
    configuration.givesIDs = false
    if destination.exchange.isEmpty {
      configuration.inquiry = .queueDeclare(.init(name: ByteString(destination.routingKey), isPassive: true))
    }
    let report = AMQPPublishReport(destination, hasLines: arguments[lineBuffered])
    let loop = try BatchPublisher(configuration, try source(arguments), notify: report.notify, onTurn: { _, _ in nil })
    let end = try loop.run()
    guard let failure = report.failure(end, loop.publication, broker: loop.broker) else { return .success }
    guard case .signal = end else { throw failure }
    Self.report(failure)
    return failure.status
  }

  /// Refuses a queue that `amqp-job declare` made for the use of runners.
  private static func checkOwner(_ destination: Destination, _ options: ConnectionOptions) throws {
    guard let reserved = ReservedQueue(destination) else { return }
    try BrokerConversation(program: definition.program, options).hold(about: reserved.queue.name) {
      (conversation) throws(ConversationError) in
      try reserved.check(conversation, cure: "publish to queue '\(reserved.owner.name)'")
    }
  }

  private static func source(_ arguments: PoptArguments) throws -> any ItemSource {
    if let body = arguments[body] {
      guard !arguments[lineBuffered] else {
        throw UsageError("\(Self.body) and \(lineBuffered) options cannot be used at the same time")
      }
      return GivenItems([body])
    }
    if arguments[lineBuffered] {
      return DelimitedItems(delimiter: UInt8(ascii: "\n"), end: [UInt8(ascii: "\n")])
    }
    do { return try WholeInput() } catch { throw Failure(.inputOutputError, "\(error.reason)") }
  }

  private static func properties(_ arguments: PoptArguments) throws -> BasicProperties {
    var properties = BasicProperties()
    properties.deliveryMode = arguments[persistent] ? 2 : 1
    properties.contentType = try arguments.shortString(contentType)
    properties.contentEncoding = try arguments.shortString(contentEncoding)
    properties.replyTo = try arguments.shortString(replyTo)
    let headers = try arguments[header].map(field)
    if !headers.isEmpty { properties.headers = FieldTable(headers) }
    return properties
  }

  /// Reads a header of the form `key: value`. Any number of spaces may follow the colon.
  private static func field(_ header: [UInt8]) throws -> FieldTable.Entry {
    let key = header.prefix { $0 != UInt8(ascii: ":") }
    guard key.count < header.count else {
      throw UsageError("header definition missing ':' delimiter in \"\(String(decoding: header, as: UTF8.self))\"")
    }
    guard let name = ShortString(Array(key)) else { throw UsageError("a header's key is longer than 255 bytes") }
    let value = header[key.endIndex...].dropFirst().drop { $0 == UInt8(ascii: " ") }
    return .init(name: name.value, value: .string(ByteString(Array(value))))
  }
}
