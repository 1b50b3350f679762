/// What a shell may complete of a tool's command lines, made from its commands' definitions.
public struct Completion: Sendable {
  public enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish
  }

  public var tool: String
  public var commands: [Command]

  public init(tool: String, commands: [Command]) {
    self.tool = tool
    self.commands = commands
  }

  /// A script for the shell to read.
  public func script(for shell: Shell) -> String {
    switch shell {
    case .bash: bashScript
    case .zsh: "autoload -U +X bashcompinit && bashcompinit\n\(bashScript)"
    case .fish: fishScript
    }
  }

  var functionName: String { "_" + String(tool.map { $0 == "-" ? "_" : $0 }) }
}

extension Command {
  var takesDirectory: Bool { operands == .one(name: "DIR") }
}

extension Option {
  /// What the value may be, where that is a choice.
  var alternatives: [String] { (value ?? "").contains("|") ? values.map(String.init) : [] }

  var takesPath: Bool { value == "PATH" || value == "DIR" }
}
