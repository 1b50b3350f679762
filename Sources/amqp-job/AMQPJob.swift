import ArgumentParser
import JobRunner

@main
struct AMQPJob: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amqp-job",
    abstract: "Runs a command on items of an AMQP queue, and acks each only when the command exits 0.",
    discussion: """
      EXAMPLE
        amqp-job declare fruits
        amqp-job publish -q fruits apple banana
        amqp-job run -q fruits -- ./worker.py

      The broker is taken from --url, AMQP_URL or BROKER_URL; the queue from -q, AMQP_QUEUE or QUEUE; any other
      option --some-thing from AMQP_JOB_SOME_THING.
      """,
    version: version,
    subcommands: [Run.self, Publish.self, Declare.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      failure.report()
      failure.status.exit()
    } catch {
      // Help and version come as errors too.
      guard exitCode(for: error) != .success else { exit(withError: error) }
      let failure = Failure(.usage, "\(message(for: error)); see 'amqp-job --help'")
      failure.report()
      failure.status.exit()
    }
  }
}
