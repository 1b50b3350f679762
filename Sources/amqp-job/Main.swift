import Arguments
import Console
import Linux

@main
enum Main {
  static let tool = "amqp-job"
  /// The program as a whole. Its commands have definitions of their own.
  static let definition = Command(
    tool: tool, name: "", summary: "Runs a command on items of an AMQP queue, and acks each only when it exits 0.",
    examples: [
      "export BROKER_URL=amqp://guest:guest@localhost; amqp-job declare fruits",
      "amqp-job publish -q fruits apple && amqp-job run -q fruits -- ./worker.py",
    ],
    notes: "Each command has a page of its own: 'amqp-job man run | man -l -' shows that of run.",
    operands: .oneAndRest(first: "COMMAND", rest: "ARG..."), groups: [],
    exitStatuses: ExitStatus.meanings + [
      StatusMeaning.unread, Explained("128 + N", "Signal N ended the program or the worker."),
      Explained(
        "other",
        "The status is the worker's own. A worker's 64 to 78 and 124 to 128 become 1, unless --raw-status is "
          + "given."),
    ])

  static var commands: [any ToolCommand.Type] {
    [
      Run.self, Step.self, Publish.self, Declare.self, Status.self, Dead.self, Lead.self, ManifestCommand.self,
      Check.self, Install.self, Man.self, CompletionCommand.self,
    ]
  }

  /// Finds variables `AMQP_JOB_*` that no command knows. AMQP_JOB_STATE is known to scripts/broker, AMQP_JOB_CANDIDATE to the
  /// publisher of a source.
  static var unknownVariables: UnknownVariables {
    let definitions = commands.map { $0.definition }
    return UnknownVariables(
      tool: tool, options: definitions.flatMap(\.optionNames) + ["state", "candidate"],
      synonyms: definitions.reduce(into: [:]) { $0.merge($1.synonyms) { first, _ in first } })
  }

  static func main() {
    ThisProcess.prepare()
    ThisProcess.forbidDumping()
    let arguments = ThisProcess.arguments
    do { try run(arguments) } catch { end(with: pointed(error, to: definition), LogOptions.lastReporter(arguments)) }
  }

  /// Reports the error, and exits with its status.
  private static func end(with error: any Error, _ reporter: Reporter) -> Never {
    let failure = Failure(error)
    reporter.report(LogEntry(.error, failure.message))
    failure.status.exit()
  }

  private static func run(_ arguments: [[UInt8]]) throws {
    let words = arguments.map { String(decoding: $0, as: UTF8.self) }
    if let name = ToolName(path: words.first ?? "") { name.tool.main(Array(arguments.dropFirst())).exit() }
    switch words.dropFirst().first {
    case nil: throw UsageError("no command given")
    case "--help", "--help-all", "-h", "help": try Output.write(try help(on: words.dropFirst(2).first))
    case "--version", "-V", "version": try Output.write("\(tool) \(version)\n")
    case let name?:
      // The first two words are the names of the program and of the command.
      run(try command(name), Array(arguments.dropFirst(2)))
    }
  }

  /// - Throws: `UsageError`
  static func command(_ name: String) throws -> any ToolCommand.Type {
    if let command = commands.first(where: { $0.name == name }) { return command }
    guard !name.hasPrefix("-") else {
      if let own = Suggestion(for: name, among: ["--help", "--help-all", "--version"])?.word {
        throw UsageError("there is no option \(name): did you mean \(own)?")
      }
      throw UsageError("\(name) is before the command: options follow it")
    }
    throw UsageError("there is no command '\(name)'\(meant(by: name).map { ": did you mean '\($0)'?" } ?? "")")
  }

  /// What a user types after the program's name who has typed this word, which is no command. nil if that is not known.
  static func meant(by word: String) -> String? {
    ForeignWord(rawValue: word)?.meant
      ?? Suggestion(for: word, among: commands.map { $0.name } + ["help", "version"])?.word
  }

  private static func run(_ command: any ToolCommand.Type, _ words: [[UInt8]]) {
    let definition = command.definition
    let arguments: Arguments
    do {
      switch try definition.scan(words) {
      case .helpRequested: return try Output.write(definition.helpText)
      case .fullHelpRequested: return try Output.write(definition.fullHelpText)
      case .arguments(let given): arguments = given
      }
    } catch {
      end(with: pointed(error, to: definition), LogOptions.lastReporter(words))
    }
    if definition.optionNames.contains(BrokerSources.url.name) { warnOfUnknownVariables(arguments) }
    do { try command.run(arguments) } catch {
      end(with: pointed(error, to: definition), LogOptions.lastReporter(arguments))
    }
  }

  /// Warns of variables that look like settings but are not. This comes before any error, which such a variable may explain.
  private static func warnOfUnknownVariables(_ arguments: Arguments) {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    // Its candidate has said so.
    guard !SourceOptions.isCommand(settings.environment) else { return }
    let warnings = settings.unknownVariableWarnings()
    // Log options that cannot be read are an error of the command itself.
    guard !warnings.isEmpty, let reporter = try? LogOptions.reporter(&settings) else { return }
    for warning in warnings { reporter.report(LogEntry(.warning, "\(warning)")) }
  }

  /// The error. If the usage is wrong, its message points to the help of `command`.
  private static func pointed(_ error: any Error, to command: Command) -> any Error {
    guard let error = error as? UsageError else { return error }
    return UsageError("\(error); see '\(command.invocation) --help'")
  }

  /// - Throws: `UsageError`
  private static func help(on name: String?) throws -> String {
    if let name { return try command(name).definition.helpText }
    let lines = commands.map { command in
      let name = command.definition.name
      return "  \(name)\(String(repeating: " ", count: 11 - name.count))\(command.definition.summary)"
    }
    return """
      Usage: \(tool) COMMAND [OPTION...]

      \(definition.summary)

      Example:
      \(definition.examples.map { "  " + $0 }.joined(separator: "\n"))

      Commands ('\(tool) COMMAND --help' says more):
      \(lines.joined(separator: "\n"))

      The broker is taken from --url, AMQP_URL or BROKER_URL, the queue from -q,
      AMQP_QUEUE or QUEUE, any option --some-thing from AMQP_JOB_SOME_THING.

      """
  }
}

/// A command of this program.
protocol ToolCommand {
  /// The word that calls the command. The definitions of other commands are not made in order to find one command.
  static var name: String { get }
  static var definition: Command { get }

  /// - Throws: `Failure`, `UsageError`
  static func run(_ arguments: Arguments) throws
}
