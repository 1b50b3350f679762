/// The words that a command's first operand may be.
extension Command {
  /// A sentence that lists the choices: `KIND is job, cronjob or broker.`
  var choiceText: String? { firstOperand.flatMap { name in choiceList.map { "\(name) is \($0)." } } }

  /// The choices in words: `job, cronjob or broker`. nil if any text will do.
  private var choiceList: String? {
    guard let last = choices.last else { return nil }
    return choices.count == 1 ? last : "\(choices.dropLast().joined(separator: ", ")) or \(last)"
  }

  private var firstOperand: String? {
    switch operands {
    case .none: nil
    case .optional(let name), .one(let name), .any(let name), .rest(let name), .optionalRest(let name): name
    case .oneOrTwo(let first, _), .oneAndRest(let first, _): first
    }
  }

  /// The error where the operand `name` is missing.
  func missing(_ name: String) -> UsageError {
    let list = name == firstOperand ? choiceList : nil
    return UsageError("\(name) is missing" + (list.map { ": it is \($0)" } ?? ""))
  }

  /// The error for a first operand that is none of the choices. `synonyms` are other words for some of them. If no choice is
  /// similar, `otherwise` ends the message.
  package func notAChoice(
    _ word: String, synonyms: [String: String] = [:], otherwise: String = ""
  ) -> UsageError {
    let suggestion = Suggestion(for: word, among: choices, synonyms: synonyms)
    let advice = suggestion.map { ": did you mean '\($0.word)'?" } ?? otherwise
    return UsageError("\(firstOperand ?? "the argument") is \(choiceList ?? "another word"), not '\(word)'\(advice)")
  }
}
