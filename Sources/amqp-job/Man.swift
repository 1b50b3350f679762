import AMQP
import Arguments
import JobRunner

/// `amqp-job man`
enum Man: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "man", summary: "Print a page of the manual, for man(1).",
    examples: ["amqp-job man | man -l -", "amqp-job man run | man -l -"],
    notes:
      "Without COMMAND the page is that of amqp-job itself. It is roff of man(7), for a file amqp-job-run.1, too. "
      + "COMMAND may be one of the names that 'amqp-job install --links' makes, such as amqp-publish.",
    operands: .optional(name: "COMMAND"), groups: [])

  static func run(_ arguments: Arguments) throws {
    let commands = Main.commands.map { $0.definition }
    guard let name = try Settings(arguments, environment: []).operands().first?.text, name != Main.tool else {
      return try write(Main.definition, commands)
    }
    if let program = ToolName(rawValue: name) { return try write(program) }
    try write(try Main.command(name).definition, commands)
  }

  private static func write(_ definition: Command, _ commands: [Command]) throws {
    let isWhole = definition.name.isEmpty
    let page = ManualPage(
      definition, version: version, commands: isWhole ? commands.map { .init($0.name, $0.summary) } : [],
      exitStatuses: exitStatuses, environment: environment,
      related: ([Main.definition] + commands).map(\.pageName))
    try Output.write(page.roff)
  }

  private static func write(_ program: ToolName) throws {
    let others = ToolName.allCases.filter { $0 != program }
    let page = ManualPage(
      program.tool.definition, of: Main.tool, version: version, exitStatuses: program.tool.exitStatuses,
      environment: ConnectionOptions.environment,
      related: others.map(\.rawValue) + [Main.definition.pageName])
    try Output.write(page.roff)
  }

  private static var exitStatuses: [ManualPage.Entry] {
    ExitStatus.meanings.map { .init("\($0.status.rawValue)", $0.meaning) }
      + [
        .init("128 + N", "Signal N ended the runner, or its worker."),
        .init("other", "As the worker's; 64 to 78 and 124 to 128 of a worker become 1, unless --raw-status is given."),
      ]
  }

  private static let environment: [ManualPage.Entry] = [
    .init("AMQP_URL, BROKER_URL", "The broker's URL, where --url is not given."),
    .init("AMQP_QUEUE, QUEUE", "The queue, where --queue is not given."),
    .init(
      "AMQP_JOB_SOME_THING",
      "Any option --some-thing that is not given. A flag is true or false. An empty value, and one that begins "
        + "with tcp://, is none. One that is no option is ignored, with a warning. Newlines at the end of a value are no part of it."
    ),
  ]
}
