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
  /// - Throws: `Failure`, `UsageError`
  static func run(_ arguments: PoptArguments) throws -> ExitStatus
}

extension AMQPTool {
  /// Runs the program with its arguments, `words`. Every failure has exit status 1, as in amqp-tools.
  static func main(_ words: [[UInt8]]) -> ExitStatus {
    let scanned: PoptCommand.Scanned
    do throws(UsageError) {
      scanned = try definition.scan(words)
    } catch {
      ThisProcess.writeToStandardError(
        "\(Failure(error).message.text(for: asProgram).printable)\n\(definition.usageText)")
      return .failure
    }
    do {
      switch scanned {
      case .helpRequested: try Output.write(definition.helpText)
      case .usageRequested: try Output.write(definition.usageText)
      case .arguments(let arguments): return try run(arguments)
      }
      return .success
    } catch {
      report(Failure(error))
      return .failure
    }
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
  static func write(_ bytes: [UInt8], otherwise: String = "") throws(Failure) {
    do {
      try ThisProcess.writeToStandardOutput(bytes)
    } catch {
      throw Failure(.failure, "cannot write to standard output: \(error.reason)\(otherwise)")
    }
  }
}

extension Failure {
  /// The failure for an error of a session in which the broker was asked about `subject`.
  init(_ error: SessionError, subject: String) {
    switch error {
    case .connection(let failure): self.init(.failure, "\(failure)")
    case .stopped(let signal): self.init(.signal(signal), "ended by \(signal)")
    case .refused(let reason): self.init(.failure, "\(subject): \(reason.text)")
    case .unanswered: self.init(.failure, "\(subject): the broker gives no answer")
    case .unsendable(.doesNotFitFrame(let what)): self.init(.failure, "\(subject): \(what)")
    case .unsendable(let error): self.init(.failure, "\(subject): \(error)")
    case .system(let error): self.init(.failure, "\(subject): \(error)")
    }
  }
}
