extension PoptCommand {
  /// The text that `--help` prints, laid out as popt does without a terminal.
  package var helpText: String {
    let groups = [common, Self.helpGroup]
    let column = ([options] + groups.map(\.options)).joined().map(\.widthInHelp).max() ?? 0
    var lines = ["Usage: \(program) \(operandUsage)"] + options.flatMap { $0.helpLines(column: column) }
    for group in groups { lines += ["", group.title] + group.options.flatMap { $0.helpLines(column: column) } }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The text that `--usage` prints, and that follows an error.
  package var usageText: String {
    var text = "Usage: \(program)"
    // popt counts only the columns of the letters, and one too many after each option.
    var column = text.count
    let letters = (options + Self.helpGroup.options).filter { $0.kind == .flag }.compactMap(\.short)
    if !letters.isEmpty {
      text += " [-\(String(letters))]"
      column += letters.count + 4
    }
    for option in allOptions {
      let usage = " [\(option.usage)]"
      if column + usage.count > Self.width {
        text += "\n       "
        column = 7
      }
      text += usage
      column += usage.count + 1
    }
    if column + operandUsage.count + 1 > Self.width { text += "\n       " }
    return text + " \(operandUsage)\n"
  }

  static let width = 79

  var manualGroups: [PoptGroup] {
    [
      PoptGroup("Options", definitions: options), common,
      PoptGroup("Help", definitions: Self.helpGroup.options),
    ]
  }

  var operandUsage: String {
    switch operands {
    case .none: "[OPTIONS]..."
    case .command: "[OPTIONS]... <command> <args>"
    }
  }
}

extension PoptDefinition {
  fileprivate var usage: String {
    (short.map { "-\($0)|" } ?? "") + "--\(name)" + (valueName.map { "=\($0)" } ?? "")
  }

  /// The option as the manual spells it.
  var term: String {
    let separator = if case .list = kind { " " } else { "=" }
    return (short.map { "-\($0), " } ?? "") + "--\(name)" + (valueName.map { separator + $0 } ?? "")
  }

  private var spelling: String { short == nil ? "    \(term)" : term }

  fileprivate var widthInHelp: Int { spelling.count + 2 }

  fileprivate func helpLines(column: Int) -> [String] {
    let indent = column + 5
    let padding = String(repeating: " ", count: column - spelling.count + 3)
    return pieces(of: help, width: PoptCommand.width - indent).enumerated().map { index, line in
      (index == 0 ? "  \(spelling)\(padding)" : String(repeating: " ", count: indent)) + line
    }
  }

  /// Breaks the text into lines as popt does: one column earlier than necessary.
  private func pieces(of text: String, width: Int) -> [Substring] {
    var pieces: [Substring] = []
    var rest = text[...]
    while rest.count > width, let space = rest.prefix(width).lastIndex(of: " ") {
      pieces.append(rest[..<space])
      rest = rest[space...].dropFirst()
    }
    return pieces + [rest]
  }
}
