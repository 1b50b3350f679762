import AMQP
import Arguments
import Console

/// `amqp-job man`
enum Man: ToolCommand {
  static let name = "man"
  static let definition = Command(
    tool: Main.tool, name: name, summary: "Print a page of the manual, for man(1).",
    examples: ["amqp-job man | man -l -", "amqp-job man run | man -l -"],
    notes:
      "Without COMMAND, the page is that of amqp-job itself. A page is roff source in the macros of man(7), so it can "
      + "also be saved as a file such as amqp-job-run.1. COMMAND may also be the name of a link that 'amqp-job install "
      + "--links' makes, such as amqp-publish, or the name of a page, such as amqp-job-run.",
    operands: .optional(name: "COMMAND"), groups: [],
    exitStatuses: [
      Explained(.success, "The page is on standard output."), StatusMeaning.usage, StatusMeaning.unwritable,
      StatusMeaning.unread,
    ])

  static func run(_ arguments: Arguments) throws {
    let name = try Settings(arguments, environment: []).operands().first?.text
    try Output.write(try page(name ?? Main.tool).roff)
  }

  /// The page about a command, about a program of amqp-tools, or about amqp-job itself.
  /// - Throws: `UsageError` for another name
  static func page(_ name: String) throws -> ManualPage {
    if name == Main.tool { return page(Main.definition) }
    if let program = ToolName(rawValue: name) { return page(program) }
    // A page may also be requested by its own name, such as amqp-job-run.
    let prefix = "\(Main.tool)-"
    let word = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    if let command = Main.commands.first(where: { $0.name == word }) { return page(command.definition) }
    // A command that is meant may come with words of its own, which have no page.
    let meant = Main.meant(by: word)?.split(separator: " ").first
    throw UsageError("there is no page about '\(word)'\(meant.map { ": did you mean '\($0)'?" } ?? "")")
  }

  private static func page(_ definition: Command) -> ManualPage {
    let commands = Main.commands.map { $0.definition }
    let isWhole = definition.name.isEmpty
    return ManualPage(
      definition, version: version, commands: isWhole ? commands.map { .init($0.name, $0.summary) } : [],
      environment: isWhole
        ? environment(of: Set(commands.flatMap(\.optionNames)))
        : environment(of: Set(definition.optionNames))
          + (definition.name == Run.name ? Run.environment : definition.name == Lead.name ? Lead.environment : []),
      related: ([Main.definition] + commands).map(\.pageName) + (isWhole ? ToolName.allCases.map(\.rawValue) : []))
  }

  private static func page(_ program: ToolName) -> ManualPage {
    let others = ToolName.allCases.filter { $0 != program }
    return ManualPage(
      program.tool.definition, of: Main.tool, version: version, exitStatuses: program.tool.exitStatuses,
      environment: ConnectionOptions.environment + (program == .consume ? Run.workerEnvironment : []),
      related: others.map(\.rawValue) + [Main.definition.pageName])
  }

  /// The variables of the environment that matter to a command with these options.
  private static func environment(of options: Set<String>) -> [Explained] {
    var entries: [Explained] = []
    func add(_ option: some CommandOption, _ term: String, _ meaning: String) {
      if options.contains(option.name) { entries.append(Explained(term, meaning)) }
    }
    add(BrokerSources.url, "AMQP_URL, BROKER_URL", "The URL of the broker, if \(BrokerSources.url) is not given.")
    add(QueueName.option, "AMQP_QUEUE, QUEUE", "The queue, if no option or argument names it.")
    if !options.isEmpty {
      entries.append(
        Explained(
          "AMQP_JOB_SOME_THING",
          "The value of the option --some-thing, if that is not given. The value of a flag is true or false. An empty "
            + "value, and one that begins with tcp://, is ignored. A variable that stands for no option is ignored, with a "
            + "warning. Newlines at the end of a value are dropped."))
    }
    add(
      TLSOptions.authorities, "SSL_CERT_FILE, SSL_CERT_DIR",
      "The certificates that TLS trusts, if \(TLSOptions.authorities) is not given.")
    return entries
  }
}
