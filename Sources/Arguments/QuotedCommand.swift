internal import Console

/// A command whose first word is not the name of a program: it contains a whole command line, or a shell alone knows it.
package struct QuotedCommand: Hashable, Sendable {
  /// Tells what to write instead.
  package let advice: String

  /// Returns nil for a command that may be meant as it is.
  package init?(_ words: [String]) {
    guard let first = words.first else { return nil }
    let line = words.count == 1 ? first : words.map(\.shellWord).joined(separator: " ")
    let isShown = line.utf8.count <= 100 && line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    if first.contains(where: { "|&;<>()$`*\n".contains($0) }) {
      advice = "for a shell to read it, write: sh -c \(isShown ? line.shellWord : "'...'")"
    } else if first.contains(where: \.isWhitespace) {
      advice =
        "that is one word; write its words without quotes around them all"
        + (isShown ? ": \(words.joined(separator: " "))" : "")
    } else if Self.ofShells.contains(first) {
      advice = "only a shell knows it; write: sh -c \(isShown ? line.shellWord : "'...'")"
    } else if Self.isAssignment(first) {
      advice = "to set a variable, write: env \(isShown ? line : "NAME=VALUE ...")"
    } else {
      return nil
    }
  }

  /// What POSIX shells do themselves, as far as there is no program of that name everywhere.
  private static let ofShells: Set = [
    ".", ":", "!", "{", "[[", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare", "eval",
    "exec",
    "exit", "export", "fg", "for", "function", "getopts", "hash", "if", "jobs", "let", "local", "popd", "pushd", "read",
    "readonly", "return", "select", "set", "shift", "source", "times", "trap", "type", "ulimit", "umask", "unalias",
    "unset",
    "until", "wait", "while",
  ]

  private static func isAssignment(_ word: String) -> Bool {
    let name = word.unicodeScalars.prefix {
      $0 == "_" || $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0)
    }
    return !name.isEmpty && word.unicodeScalars.dropFirst(name.count).first == "="
  }
}
