import AMQP
import ArgumentParser
import Broker
import JobRunner
import Linux

struct Publish: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put items into a queue: persistent, and confirmed by the broker.",
    discussion: """
      EXAMPLE
        amqp-job publish -q fruits apple banana
        ls *.png | amqp-job publish -q images --header source=shop

      Bodies are the arguments, or else the lines of standard input. Exit status 0 means that every one is in the queue.
      """)

  @Option(name: .shortAndLong, help: "Queue to publish to (AMQP_QUEUE, QUEUE).")
  var queue: String?

  @OptionGroup(title: "Properties") var properties: PropertyOptions
  @OptionGroup(title: "Broker") var broker: BrokerOptions
  @OptionGroup(title: "Log") var log: LogOptions

  @Argument(help: "The bodies, one item each.")
  var bodies: [String] = []

  func run() throws {
    ThisProcess.forbidDumping()
    var settings = Settings(ThisProcess.environment)
    let broker = try broker.resolved(&settings)
    let queue = try QueueName.resolved(queue, &settings)
    let properties = try properties.resolved(&settings)
    let reporter = try log.reporter(&settings)
    if let warning = broker.warning { reporter.report(LogEntry(.warning, warning)) }

    let session: BrokerSession
    do {
      session = try BrokerSession.connect(
        to: broker.brokers, timeout: broker.connectTimeout, heartbeat: broker.heartbeat,
        name: "amqp-job publish \(queue)")
    } catch {
      throw Failure(error, queue: queue, broker: nil)
    }
    let window = try publish(session, queue, properties)
    session.close()
    let place = "queue '\(queue)' at \(session.broker)"
    guard window.refusals.isEmpty else { throw refused(window, place: place) }
    reporter.report(LogEntry(.info, "\(window.confirmedCount) items are in \(place)"))
  }

  private func publish(
    _ session: BrokerSession, _ queue: String, _ properties: BasicProperties
  ) throws -> ConfirmWindow {
    var publisher: Publisher?
    do {
      let started = try Publisher(session, queue: queue)
      publisher = started
      if bodies.isEmpty {
        try publishLines(session, started, properties)
      } else {
        for body in bodies { try started.publish(Array(body.utf8), properties) }
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

  private func publishLines(
    _ session: BrokerSession, _ publisher: Publisher, _ properties: BasicProperties
  ) throws {
    let input = LineReader()
    repeat {
      while let line = input.next() { try publisher.publish(line, properties) }
      try session.wait(for: input.interest)
    } while try input.read()
    if let rest = input.rest { try publisher.publish(rest, properties) }
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
