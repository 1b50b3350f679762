/// A command line that is given as one text: its words, as a POSIX shell splits them. Nothing is expanded, so a character that
/// a shell would act on has to be quoted.
package struct ShellWords: Hashable, Sendable {
  /// Why a text is no list of words.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  private enum Quoting {
    case none, single, double
  }

  private static let operators: Set<Character> = ["|", "&", ";", "<", ">", "(", ")"]
  /// A shell acts on these within double quotes, too.
  private static let expansions: Set<Character> = ["$", "`"]
  /// The characters before which a backslash counts within double quotes.
  private static let escapedInDoubleQuotes: Set<Character> = ["$", "`", "\"", "\\", "\n"]

  package private(set) var words: [String] = []
  /// The word that is being read; nil between words.
  private var word: String?
  private var quoting = Quoting.none

  package init(_ text: String) throws(Failure) {
    var rest = text[...]
    while let character = rest.popFirst() { try take(character, &rest) }
    switch quoting {
    case .none: endWord()
    case .single: throw Failure(description: "a single quote (') is not closed")
    case .double: throw Failure(description: "a double quote (\") is not closed")
    }
  }

  private mutating func take(_ character: Character, _ rest: inout Substring) throws(Failure) {
    switch (quoting, character) {
    case (.none, "'"), (.none, "\""):
      quoting = character == "'" ? .single : .double
      append("")
    case (.single, "'"), (.double, "\""): quoting = .none
    case (.single, _): append(character)
    case (_, "\\"): try takeEscaped(&rest)
    case (_, let character) where Self.expansions.contains(character): throw needsQuotes(character)
    case (.double, _): append(character)
    case (.none, let character) where character.isWhitespace: endWord()
    case (.none, let character) where Self.operators.contains(character): throw needsQuotes(character)
    case (.none, _): append(character)
    }
  }

  private mutating func takeEscaped(_ rest: inout Substring) throws(Failure) {
    guard let character = rest.popFirst() else { throw Failure(description: "nothing follows the last backslash") }
    if quoting == .double, !Self.escapedInDoubleQuotes.contains(character) { append("\\") }
    // A shell joins lines there.
    if character != "\n" { append(character) }
  }

  private mutating func append(_ text: some CustomStringConvertible) { word = (word ?? "") + text.description }

  private mutating func endWord() {
    if let word { words.append(word) }
    word = nil
  }

  private func needsQuotes(_ character: Character) -> Failure {
    Failure(description: "no shell acts on its \(character): put it in single quotes, or let sh -c '...' run the line")
  }
}
