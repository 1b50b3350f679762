extension Completion {
  /// The functions that the scripts for bash and zsh share. Each looks up a property of a command and one of its words.
  var tables: String {
    """
    # What follows an option: '-' any text, '@files', '@directories', words, or with '?' before them perhaps none of the
    # words. Empty for one without a value.
    \(functionName)_value() {
      offer=
      case $1 in
    \(rows(valueRows))
      esac
    }

    # What an operand is, by the number of those before it; '@command' for another command with its arguments.
    \(functionName)_operand() {
      offer=
      case $1 in
    \(rows(operandRows))
      esac
    }

    # Whether operands are paths with that option.
    \(functionName)_has_paths() {
      case $1 in
    \(rows(pathRows))
      esac
      return 1
    }
    """
  }

  /// The shell code to run for any of several words.
  private struct Row {
    let words: [String]
    let action: String
  }

  private func rows(_ rows: (CompletedCommand) -> [Row]) -> String {
    let cases = commands.compactMap { command -> String? in
      let own = rows(command)
      guard !own.isEmpty else { return nil }
      let lines = own.map { "    \($0.words.joined(separator: " | "))) \($0.action) ;;" }.joined(separator: "\n")
      return "  \(command.name))\n    case $2 in\n\(lines)\n    esac\n    ;;"
    }
    return cases.joined(separator: "\n")
  }

  private func valueRows(_ command: CompletedCommand) -> [Row] {
    var offers: [Offer] = []
    for case let value? in command.options.map(\.value) where !offers.contains(value) { offers.append(value) }
    return offers.map { offer in
      Row(
        words: command.options.filter { $0.value == offer }.flatMap(\.spellings), action: "offer='\(offer.shellText)'")
    }
  }

  private func operandRows(_ command: CompletedCommand) -> [Row] {
    command.operands.enumerated().map { Row(words: ["\($0)"], action: "offer='\($1.shellText)'") }
  }

  private func pathRows(_ command: CompletedCommand) -> [Row] {
    let words = command.pathOptions.flatMap(\.spellings)
    return words.isEmpty ? [] : [Row(words: words, action: "return 0")]
  }
}

extension Offer {
  fileprivate var shellText: String {
    switch self {
    case .text: "-"
    case .files: "@files"
    case .directories: "@directories"
    case .command: "@command"
    case .words(let words): words.joined(separator: " ")
    case .optionalWords(let words): "?" + words.joined(separator: " ")
    }
  }
}
