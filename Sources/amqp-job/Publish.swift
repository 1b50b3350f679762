import AMQP
import Arguments
import Broker
import JobRunner
import Linux

/// `amqp-job publish`
struct Publish: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "publish", summary: "Put items into a queue: persistent, and confirmed by the broker.",
    examples: [
      "amqp-job publish -q fruits apple banana", "ls *.png | amqp-job publish -q images --header source=shop",
    ],
    notes:
      "Bodies are the arguments, or else the lines of standard input. "
      + "Exit status 0 means that every one is in the queue.",
    operands: .any(name: "BODY"),
    groups: [
      OptionGroup("Options", [QueueName.option]), PropertyOptions.group, BrokerOptions.group, LogOptions.group,
    ])

  let queue: String
  let properties: BasicProperties
  let bodies: [[UInt8]]
  let reporter: Reporter
  private let idPrefix = String(UInt64.random(in: .min ... .max), radix: 16)

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let broker = try BrokerOptions(&settings)
    let queue = try QueueName.resolved(&settings)
    let reporter = try LogOptions.reporter(&settings)
    let publish = Publish(
      queue: queue, properties: try PropertyOptions.properties(&settings), bodies: arguments.operandBytes,
      reporter: reporter)
    broker.warn(reporter)

    let session: BrokerSession
    do {
      session = try broker.connect(name: "amqp-job publish \(queue)")
    } catch {
      throw Failure(error, queue: queue, broker: nil)
    }
    let window = try publish.everything(session)
    session.close()
    let place = "queue '\(queue)' at \(session.broker)"
    guard window.refusals.isEmpty else { throw publish.refused(window, place: place) }
    reporter.report(LogEntry(.info, "\(window.confirmedCount) items are in \(place)"))
  }

  private func everything(_ session: BrokerSession) throws -> ConfirmWindow {
    var publisher: Publisher?
    do {
      let started = try Publisher(session, to: .queue(queue)) { reason in
        let place = "the broker at \(session.broker)"
        let state = reason.map { "\(place) takes nothing for now (\($0)): waiting" } ?? "\(place) takes items again"
        reporter.report(LogEntry(.notice, state))
      }
      publisher = started
      if bodies.isEmpty {
        try publishLines(session, started)
      } else {
        for body in bodies { try publish(body, started) }
      }
      try started.finish()
      return started.window
    } catch {
      var failure = Failure(error, queue: queue, broker: session.broker)
      if let window = publisher?.window, window.publishedCount > 0 {
        failure.message += "; \(count(window, of: max(bodies.count, window.publishedCount)))"
      }
      throw failure
    }
  }

  private func publishLines(_ session: BrokerSession, _ publisher: Publisher) throws {
    let input = LineReader()
    repeat {
      while let line = input.next() { try publish(line, publisher) }
      try session.wait(for: input.interest)
    } while try input.read()
    if let rest = input.rest { try publish(rest, publisher) }
  }

  private func publish(_ body: [UInt8], _ publisher: Publisher) throws {
    var properties = properties
    properties.deliveryMode = 2
    if properties.messageID == nil {
      properties.messageID = ByteString("\(idPrefix)-\(publisher.window.publishedCount + 1)")
    }
    try publisher.publish(body, properties)
  }

  private func count(_ window: ConfirmWindow, of total: Int) -> String {
    let unknown =
      window.outstandingCount == 0 ? "" : ", \(window.outstandingCount) may be (\(list(window.outstandingNumbers)))"
    return "of \(total) items \(window.confirmedCount) are in the queue\(unknown)"
  }

  private func refused(_ window: ConfirmWindow, place: String) -> Failure {
    let isUnroutable = window.refusals.values.contains(.unroutable)
    let why =
      isUnroutable ? "there is no such queue any more" : "the broker rejected them, as it does when a queue is full"
    return Failure(
      isUnroutable ? .noQueue : .temporaryFailure,
      "\(count(window, of: window.publishedCount)), not \(list(window.refusals.keys.sorted())), in \(place): \(why)")
  }

  /// Items by their numbers, a few of them.
  private func list(_ numbers: [UInt64]) -> String {
    let shown = numbers.prefix(10).map { "\($0)" }.joined(separator: ", ")
    return "item\(numbers.count == 1 ? "" : "s") \(shown)" + (numbers.count > 10 ? ", ..." : "")
  }
}
