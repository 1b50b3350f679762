extension Completion {
  /// For fish(1)'s `complete`.
  var fishScript: String {
    let lines =
      ["# Completion of \(tool)'s command lines.", "complete -c \(tool) -f"]
      + commands.map { "complete -c \(tool) -n __fish_use_subcommand -a \($0.name) -d \(quoted($0.summary))" }
      + ["help", "version"].map { "complete -c \(tool) -n __fish_use_subcommand -l \($0)" }
      + commands.flatMap(lines(for:))
    return lines.joined(separator: "\n") + "\n"
  }

  private func lines(for command: Command) -> [String] {
    let seen = "__fish_seen_subcommand_from \(command.name)"
    let start = "complete -c \(tool) -n '\(seen); and not contains -- -- (commandline -opc)'"
    var lines = command.options.map { option in
      let short = option.short.map { " -s \($0)" } ?? ""
      return "\(start) -l \(option.name)\(short)\(value(option)) -d \(quoted(option.help))"
    }
    lines += ["help", "help-all"].map { "\(start) -l \($0)" }
    if !command.choices.isEmpty { lines.append("\(start) -a '\(command.choices.joined(separator: " "))'") }
    if command.takesDirectory { lines.append("\(start) -a '(__fish_complete_directories)'") }
    if command.takesCommand {
      let after = "complete -c \(tool) -n '\(seen); and contains -- -- (commandline -opc)'"
      lines.append("\(after) -F -a '(__fish_complete_command)'")
    }
    return lines
  }

  private func value(_ option: Option) -> String {
    guard option.value != nil, option.impliedValue == nil else { return "" }
    if option.takesPath { return " -r -F" }
    return option.alternatives.isEmpty ? " -x" : " -x -a '\(option.alternatives.joined(separator: " "))'"
  }

  private func quoted(_ text: String) -> String {
    let escaped = text.reduce(into: "") { $0 += $1 == "'" || $1 == "\\" ? "\\\($1)" : "\($1)" }
    return "'\(escaped)'"
  }
}
