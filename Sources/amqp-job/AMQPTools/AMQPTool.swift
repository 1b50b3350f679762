import AMQP
import Arguments
import Broker
import JobRunner
import Linux
import Reports

/// A program of amqp-tools, which this one is when it is called by its name.
protocol AMQPTool: Sendable {
  static var definition: PoptCommand { get }
  static var exitStatuses: [Explained] { get }

  /// - Returns: the exit status
  /// - Throws: `Failure`, `PoptError`
  static func run(_ arguments: PoptArguments) throws -> ExitStatus
}

extension AMQPTool {
  /// Does what `words`, the arguments, ask for. Every failure has exit status 1, as in amqp-tools.
  static func main(_ words: [[UInt8]]) -> ExitStatus {
    do {
      switch try definition.scan(words) {
      case .helpRequested: try Output.write(definition.helpText)
      case .usageRequested: try Output.write(definition.usageText)
      case .arguments(let arguments): return try run(arguments)
      }
      return .success
    } catch let error as PoptError {
      ThisProcess.writeToStandardError(
        "\(Failure(.usage, error.description).message.printable)\n\(definition.usageText)")
    } catch {
      report(error as? Failure ?? Failure(.internalError, "\(error)"))
    }
    return .failure
  }

  static func report(_ failure: Failure) { report(.error, failure.message) }

  static func report(_ level: LogEntry.Level, _ message: String) {
    Reporter(
      Logger(
        program: definition.program, format: .text, threshold: .notice, write: ThisProcess.writeToStandardError)
    ).report(LogEntry(level, message))
  }

  /// Writes to standard output. That nobody reads it is a failure as any other.
  /// - Throws: `Failure`, whose line ends in `otherwise`
  static func write(_ bytes: [UInt8], otherwise: String = "") throws {
    do {
      try ThisProcess.answer(bytes)
    } catch {
      throw Failure(.failure, "cannot write to standard output: \(error.reason)\(otherwise)")
    }
  }

  /// Talks to the broker about a queue, on a channel of a connection that is ended afterwards.
  /// - Throws: `Failure`
  static func converse<Result>(
    _ options: ConnectionOptions, about queue: String, largestBodyInMemory: Int = .max,
    _ body: (BrokerSession, UInt16) throws -> Result
  ) throws -> Result {
    let channel: UInt16 = 1
    do {
      let session = try BrokerSession.connect(
        to: options.broker, heartbeat: options.heartbeat, name: definition.program, access: options.access,
        maxBodySizeInMemory: largestBodyInMemory)
      try session.openChannel(channel)
      let result = try body(session, channel)
      session.close()
      return result
    } catch {
      throw Failure(error, subject: "queue '\(queue)' at \(options.broker)")
    }
  }
}

extension Failure {
  /// What any error in a conversation about `subject` comes to.
  init(_ error: any Error, subject: String) {
    switch error {
    case let failure as Failure: self = failure
    case let failure as BrokerFailure: self.init(.failure, "\(failure)")
    case BrokerSession.CallError.refused(let reason): self.init(.failure, "\(subject): \(reason.text)")
    case BrokerSession.CallError.unanswered: self.init(.failure, "\(subject): the broker gives no answer")
    case AMQPError.doesNotFitFrame(let what): self.init(.failure, "\(subject): \(what)")
    default: self.init(.failure, "\(subject): \(error)")
    }
  }
}
