import Arguments
import Console

/// Why something is not set that a user may believe to have set.
extension Settings {
  /// What to add to the message that neither the option, nor its variable, nor one of `variables` is set. Empty where nothing is
  /// known.
  func hint(onAbsent option: some CommandOption, variables: [String]) -> String {
    hint(onMisplaced: option) ?? hint(onInjected: [Self.variableName(ofOption: option.name)] + variables) ?? ""
  }

  /// The option follows a command, whose own it therefore is.
  private func hint(onMisplaced option: some CommandOption) -> String? {
    let words = arguments.operands.map { String(decoding: $0, as: UTF8.self) }
    guard let command = words.first, let word = words.dropFirst().first(where: option.isMeant) else { return nil }
    return "; what follows '\(command)' belongs to it, '\(word)' too: write options before '\(command)'"
  }

  private func hint(onInjected variables: [String]) -> String? {
    let names = variables.filter { environment.bytes(of: $0).map(Self.isInjected) == true }
    guard !names.isEmpty else { return nil }
    let verb = names.count == 1 ? "is" : "are"
    return "; \(names.joined(separator: ", ")) \(verb) set, and ignored: a value that begins with tcp:// "
      + "is what Kubernetes injects for a Service"
  }
}

extension CommandOption {
  /// Whether the word of a command line is this option, perhaps with its value.
  fileprivate func isMeant(by word: String) -> Bool {
    let isShort = definition.short.map { word == "-\($0)" } == true
    return isShort || word == description || word.hasPrefix("\(description)=")
  }
}
