import Arguments
import Console

@testable import amqp_job

/// The settings of a command that is called with these words, in this environment.
func settings(
  _ command: any ToolCommand.Type, _ words: [String], environment: [String] = []
) throws -> Settings {
  guard case .arguments(let arguments) = try command.definition.scan(words.map { Array($0.utf8) }) else {
    throw UsageError("this asks for help")
  }
  return Settings(arguments, environment: environment.map { Array($0.utf8) })
}

/// The text of the usage error that `body` throws; nil if it throws none.
func usageError(_ body: () throws -> Void) throws -> String? {
  do { try body() } catch let error as UsageError { return error.description }
  return nil
}

extension Failure {
  /// The message as amqp-job shows it.
  var text: String { message.text(for: .amqpJob) }
}

extension LogEntry {
  /// The message as amqp-job shows it.
  var text: String { message.text(for: .amqpJob) }
}
