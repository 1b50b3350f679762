/// The options and operands that a command was given.
package struct Arguments: Hashable, Sendable {
  /// An option's name and its value. There are few of them, so a dictionary would cost more time than it saves.
  struct Given: Hashable, Sendable {
    let option: String
    let value: String
  }

  package init() {}

  var given: [Given] = []
  /// The operands, byte for byte. They need not be UTF-8.
  package internal(set) var operands: [[UInt8]] = []
  /// How many of the operands, the last ones, stand after `--`.
  package internal(set) var literalOperandCount = 0

  /// The text of the option's value. It is the last one of an option that may be repeated, and `true` for a flag.
  package func text(of option: some CommandOption) -> String? { given.last { $0.option == option.name }?.value }

  /// Every value of the option, in order.
  package func texts(of option: some CommandOption) -> [String] {
    given.filter { $0.option == option.name }.map(\.value)
  }

  package func contains(_ option: some CommandOption) -> Bool { contains(option.name) }

  /// Whether the option of this name was given.
  package func contains(_ name: String) -> Bool { given.contains { $0.option == name } }

  /// The options as words of another command line, but for those of these names. `flags` are the options without values.
  package func words(without names: [String], flags: Set<String>) -> [String] {
    given.filter { !names.contains($0.option) }.map { each in
      flags.contains(each.option) ? "--\(each.option)" : "--\(each.option)=\(each.value)"
    }
  }

  /// The operands of a command that takes only text.
  /// - Throws: `UsageError` if one is not UTF-8
  package func operandTexts() throws(UsageError) -> [String] {
    var texts: [String] = []
    for (index, operand) in operands.enumerated() {
      guard let text = String(validating: operand, as: UTF8.self) else {
        throw UsageError("argument \(index + 1) is not text in UTF-8")
      }
      texts.append(text)
    }
    return texts
  }
}
