import Console
import Linux

/// A variable of the worker's environment, such as `$WORK_ITEM_FILE`, as an argument of the worker. No shell reads the arguments, so
/// the worker gets the name instead of the value.
struct UnexpandedVariable {
  private let word: String

  /// Finds the first one. The arguments of a shell are its own to expand: `sh -c 'cat "$WORK_ITEM_FILE"'`.
  init?(_ arguments: [[UInt8]]) {
    let words = arguments.dropFirst().map { String(decoding: $0, as: UTF8.self) }
    guard !words.contains("-c"), let word = words.first(where: Self.isVariable) else { return nil }
    self.word = word
  }

  private static func isVariable(_ word: String) -> Bool {
    word.hasPrefix("$WORK_ITEM_") || word.hasPrefix("${WORK_ITEM_")
  }

  var warning: String {
    "the worker gets '\(word)' as it stands, since no shell reads its arguments: write sh -c '... \"\(word)\"'"
  }
}
