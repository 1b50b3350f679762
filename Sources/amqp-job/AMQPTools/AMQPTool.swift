import AMQP
import Arguments
import Broker
import JobRunner
import Linux

/// A program of amqp-tools, which this one is when it is called by its name.
protocol AMQPTool: Sendable {
  static var definition: PoptCommand { get }

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
      ThisProcess.writeToStandardError("\(Failure(.usage, error.description).message)\n\(definition.usageText)")
    } catch {
      report(error as? Failure ?? Failure(.internalError, "\(error)"))
    }
    return .failure
  }

  static func report(_ failure: Failure) {
    Reporter(
      Logger(
        program: definition.program, format: .text, threshold: .error, write: ThisProcess.writeToStandardError)
    ).report(LogEntry(.error, failure.message))
  }
}
