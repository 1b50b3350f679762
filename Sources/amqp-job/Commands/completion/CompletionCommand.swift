import Arguments
import Console

/// `amqp-job completion`
enum CompletionCommand: ToolCommand {
  static let name = "completion"
  static let definition = Command(
    tool: Main.tool, name: name, summary: "Print a script by which a shell completes command lines.",
    examples: [
      "source <(amqp-job completion bash)", "amqp-job completion fish >~/.config/fish/completions/amqp-job.fish",
    ],
    notes:
      "The first example, as a line of .bashrc or .zshrc, makes completion permanent. In .zshrc, the line has to follow "
      + "compinit. For zsh, the script can also be a file named _amqp-job in a directory of fpath. The programs of "
      + "amqp-tools are completed, too. SHELL may also be the shell's path, as in $SHELL.",
    operands: .one(name: "SHELL"), choices: Completion.Shell.allCases.map(\.rawValue), groups: [],
    exitStatuses: [
      Explained(.success, "The script is on standard output."), StatusMeaning.usage, StatusMeaning.unwritable,
      StatusMeaning.unread,
    ])

  static func run(_ arguments: Arguments) throws {
    let name = try Settings(arguments, environment: []).operands()[0].text
    guard let shell = Completion.Shell(rawValue: name.split(separator: "/").last.map(String.init) ?? "") else {
      throw definition.notAChoice(name)
    }
    let commands = Main.commands.map { $0.definition }
    let names = commands.map(\.name)
    let completion = Completion(
      tool: Main.tool, commands: commands, programs: ToolName.allCases.map { $0.tool.definition },
      words: [Man.definition.name: [Main.tool] + names + ToolName.allCases.map(\.rawValue), "help": names])
    try Output.write(completion.script(for: shell))
  }
}
