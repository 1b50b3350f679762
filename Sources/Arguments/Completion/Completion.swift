/// What a shell may complete of a tool's command lines, made from its commands' definitions.
package struct Completion: Sendable {
  package enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish
  }

  let tool: String
  /// The commands of the tool, then the programs.
  let commands: [CompletedCommand]

  /// `programs` are completed by their own names. `words` are what the first operand of a command may be, besides its own
  /// choices, by the command's name; one that is not among `commands` takes nothing else.
  package init(tool: String, commands: [Command], programs: [PoptCommand] = [], words: [String: [String]] = [:]) {
    self.tool = tool
    let names = commands.map(\.name)
    let others = words.keys.filter { !names.contains($0) }.sorted().map { name in
      CompletedCommand(program: nil, name: name, summary: "", options: [], operands: [.words(words[name] ?? [])])
    }
    self.commands =
      commands.map { CompletedCommand($0, words: words[$0.name] ?? []) } + others + programs.map(CompletedCommand.init)
  }

  /// A script for the shell to read.
  package func script(for shell: Shell) -> String {
    switch shell {
    case .bash: bashScript
    case .zsh: zshScript
    case .fish: fishScript
    }
  }

  /// What the names of the script's functions begin with.
  var functionName: String { "_" + String(tool.map { $0 == "-" ? "_" : $0 }) }

  /// All that is completed, as it is called.
  var programs: [String] { [tool] + commands.compactMap(\.program) }

  var toolCommands: [CompletedCommand] { commands.filter { $0.program == nil } }
}
