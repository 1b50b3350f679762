extension Command {
  /// What `--help` prints: at most 80 columns, an example first.
  public var helpText: String {
    var lines = ["Usage: \(tool) \(name) [OPTION...]\(operandUsage)", ""] + wrapped(summary, width: Self.width)
    lines += ["", examples.count == 1 ? "Example:" : "Examples:"] + examples.map { "  " + $0 }
    for group in groups {
      lines += ["", "\(group.title):"] + group.options.flatMap(lines(for:))
    }
    if !notes.isEmpty { lines += [""] + wrapped(notes, width: Self.width) }
    return lines.joined(separator: "\n") + "\n"
  }

  private static var width: Int { 79 }
  private static var helpColumn: Int { 29 }

  private var operandUsage: String {
    switch operands {
    case .none: ""
    case .one(let name): " \(name)"
    case .oneOrTwo(let first, let second): " \(first) [\(second)]"
    case .any(let name): " [\(name)...]"
    case .rest(let name): " -- \(name)"
    case .oneAndRest(let first, let rest): " \(first) [-- \(rest)]"
    }
  }

  private func lines(for option: Option) -> [String] {
    let value = option.value.map { option.impliedValue == nil ? " \($0)" : " [\($0)]" } ?? ""
    let spelling = (option.short.map { "  -\($0), " } ?? "      ") + "--\(option.name)" + value
    var help = wrapped(option.help, width: Self.width - Self.helpColumn)[...]
    let isShort = spelling.count < Self.helpColumn
    let padding = String(repeating: " ", count: max(0, Self.helpColumn - spelling.count))
    let first = isShort ? spelling + padding + (help.popFirst() ?? "") : spelling
    return [first] + help.map { String(repeating: " ", count: Self.helpColumn) + $0 }
  }

  private func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
