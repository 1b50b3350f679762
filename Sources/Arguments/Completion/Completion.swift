/// The scripts by which shells complete a tool's command lines, made from the definitions of its commands.
package struct Completion: Sendable {
  package enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish
  }

  let tool: String
  /// The commands of the tool, followed by the programs.
  let commands: [CompletedCommand]

  /// `programs` are completed under their own names. `words` has further words for the first operand of a command, under the
  /// command's name. A name that is not among `commands` stands for a command without options.
  package init(tool: String, commands: [Command], programs: [PoptCommand] = [], words: [String: [String]] = [:]) {
    self.tool = tool
    let names = commands.map(\.name)
    let others = words.keys.filter { !names.contains($0) }.sorted().map { name in
      CompletedCommand(program: nil, name: name, summary: "", options: [], operands: [.words(words[name] ?? [])])
    }
    self.commands =
      commands.map { CompletedCommand($0, words: words[$0.name] ?? []) } + others + programs.map(CompletedCommand.init)
  }

  /// The script that makes the shell complete the tool's command lines.
  package func script(for shell: Shell) -> String {
    switch shell {
    case .bash: bashScript
    case .zsh: zshScript
    case .fish: fishScript
    }
  }

  /// The prefix of the names of the script's functions.
  var functionName: String { "_" + String(tool.map { $0 == "-" ? "_" : $0 }) }

  /// The names of the tool and of all programs.
  var programs: [String] { [tool] + commands.compactMap(\.program) }

  var toolCommands: [CompletedCommand] { commands.filter { $0.program == nil } }
}
