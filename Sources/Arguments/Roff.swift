/// Source text for roff in man(7)'s macros (groff_man(7), groff_char(7)).
struct Roff {
  private(set) var source = ""

  /// Adds a macro with its arguments.
  mutating func request(_ name: String, _ arguments: String...) {
    source += ([".\(name)"] + arguments.map { "\"\(Self.escaped($0))\"" }).joined(separator: " ") + "\n"
  }

  mutating func section(_ title: String) { request("SH", title) }

  /// Adds a line that is printed as it is.
  mutating func line(_ text: String) { addEscaped(Self.escaped(text)) }

  /// Adds the text of a paragraph, whose lines roff fills.
  mutating func text(_ text: String) {
    for line in wrapped(Self.escaped(text), width: 77) { addEscaped(line) }
  }

  mutating func paragraphs(_ texts: [String]) {
    for each in texts {
      request("PP")
      text(each)
    }
  }

  mutating func entry(_ entry: Explained) {
    source += ".TP\n"
    request("B", entry.term)
    text(entry.meaning)
  }

  /// The text in a form that every device prints unchanged. Otherwise hyphens and quotes become typographic ones.
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "\\": escaped += "\\e"
      case "-": escaped += "\\-"
      case "'": escaped += "\\(aq"
      case "\"": escaped += "\\(dq"
      case "`": escaped += "\\(ga"
      case "^": escaped += "\\(ha"
      case "~": escaped += "\\(ti"
      default: escaped.append(character)
      }
    }
  }

  /// Adds a line of escaped text. A dot at its beginning is protected, since it would make the line a request.
  private mutating func addEscaped(_ line: String) {
    source += (line.hasPrefix(".") ? "\\&" + line : line) + "\n"
  }
}
