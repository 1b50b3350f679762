extension Command {
  /// The text that `--help` prints, in at most 80 columns. If the full text does not fit a screen, it has only what most users
  /// need.
  package var helpText: String {
    let everything = fullHelpText
    guard everything.utf8.count(where: { $0 == UInt8(ascii: "\n") }) > Self.screenHeight else { return everything }
    let common = OptionGroup("Options that most people need", definitions: options.filter(\.isCommon))
    return text(examples: examples.prefix(1), [common], notes: "")
      + """

      All options: \(invocation) --help-all
      The manual: \(tool) man \(name) | man -l -

      """
  }

  /// The text that `--help-all` prints, with every example, option, note and exit status.
  package var fullHelpText: String { text(examples: examples[...], groups, notes: notes, exitStatuses) }

  private static var screenHeight: Int { 24 }

  private func text(
    examples: ArraySlice<String>, _ groups: [OptionGroup], notes: String, _ exitStatuses: [Explained] = []
  ) -> String {
    var lines = ["Usage: \(invocation) \(usage)", ""] + wrapped(summary, width: Self.width)
    if let choiceText { lines += wrapped(choiceText, width: Self.width) }
    lines += ["", examples.count == 1 ? "Example:" : "Examples:"] + examples.map { "  " + $0 }
    for group in groups {
      lines += ["", "\(group.title):"] + group.options.flatMap(lines(for:))
    }
    if !notes.isEmpty { lines += [""] + wrapped(notes, width: Self.width) }
    if !exitStatuses.isEmpty { lines += ["", "Exit status:"] + exitStatuses.flatMap(lines(for:)) }
    return lines.joined(separator: "\n") + "\n"
  }

  private static var width: Int { 79 }
  private static var helpColumn: Int { 29 }
  private static var meaningColumn: Int { 11 }

  /// The part of the usage line after the invocation.
  var usage: String { "[OPTION...]\(operandUsage)" }

  private var operandUsage: String {
    switch operands {
    case .none: ""
    case .optional(let name): " [\(name)]"
    case .one(let name): " \(name)"
    case .oneOrTwo(let first, let second): " \(first) [\(second)]"
    case .any(let name): " [\(name)...]"
    case .rest(let name): " -- \(name)"
    case .optionalRest(let name): " [-- \(name)]"
    case .oneAndRest(let first, let rest): " \(first) [-- \(rest)]"
    }
  }

  private func lines(for option: OptionDefinition) -> [String] {
    let spelling = (option.short.map { "  -\($0), " } ?? "      ") + "--\(option.name)" + option.valueUsage
    return lines(spelling, option.help, column: Self.helpColumn)
  }

  private func lines(for status: Explained) -> [String] {
    lines("  \(status.term)", status.meaning, column: Self.meaningColumn)
  }

  private func lines(_ term: String, _ meaning: String, column: Int) -> [String] {
    var meaning = wrapped(meaning, width: Self.width - column)[...]
    let padding = String(repeating: " ", count: max(0, column - term.count))
    let first = term.count < column ? term + padding + (meaning.popFirst() ?? "") : term
    return [first] + meaning.map { String(repeating: " ", count: column) + $0 }
  }
}

extension OptionDefinition {
  /// The part of an option's term after its name.
  var valueUsage: String { value.map { impliedValue == nil ? " \($0)" : " [\($0)]" } ?? "" }
}

/// Breaks the text into lines of whole words. A word longer than `width` has a line to itself.
func wrapped(_ text: String, width: Int) -> [String] {
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
