import AMQP
import Arguments
import Broker
import Console
import Linux

/// A program of amqp-tools. amqp-job acts as this program when it is called by that name.
protocol AMQPTool: Sendable {
  static var definition: PoptCommand { get }
  static var exitStatuses: [Explained] { get }

  /// - Returns: the exit status
  /// - Throws: `Failure`, `PoptError`
  static func run(_ arguments: PoptArguments) throws -> ExitStatus
}

extension AMQPTool {
  /// Runs the program with its arguments, `words`. Every failure has exit status 1, as in amqp-tools.
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
        "\(Failure(.usage, "\(error)").message.text(for: asProgram).printable)\n\(definition.usageText)")
    } catch {
      report(error as? Failure ?? Failure(.internalError, "\(error)"))
    }
    return .failure
  }

  /// The program as messages see it. It has none of the settings of amqp-job.
  static var asProgram: Program { Program(definition.program, settings: []) }

  static func report(_ failure: Failure) { report(.error, failure.message) }

  static func report(_ level: LogEntry.Level, _ message: LogMessage) {
    Reporter(
      Logger(
        program: asProgram, format: .text, threshold: .notice, write: ThisProcess.writeToStandardError)
    ).report(LogEntry(level, message))
  }

  /// Writes to standard output. It is a failure if nobody reads the output.
  /// - Throws: `Failure`, whose message ends in `otherwise`
  static func write(_ bytes: [UInt8], otherwise: String = "") throws {
    do {
      try ThisProcess.writeToStandardOutput(bytes)
    } catch {
      throw Failure(.failure, "cannot write to standard output: \(error.reason)\(otherwise)")
    }
  }
}

extension Failure {
  /// The failure for any error of a conversation with the broker about `subject`.
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
