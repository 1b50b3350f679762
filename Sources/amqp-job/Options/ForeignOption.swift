/// What to say of options that other programs have, and that a command does without.
struct ForeignOption: Sendable {
  private let words: [String: String]

  /// `words` has what to say, by the names of the options, several of which may be separated by blanks.
  init(_ words: KeyValuePairs<String, String>) {
    self.words = words.reduce(into: [:]) { words, each in
      for name in each.key.split(separator: " ") { words[String(name)] = each.value }
    }
  }

  /// The advice on an option, given without dashes. nil for any other word.
  @Sendable func advice(_ option: String) -> String? {
    words[String(option.prefix { $0 != "=" })]
  }
}
