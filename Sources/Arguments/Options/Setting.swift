/// The text that a user set, and where it was set.
package struct Setting: Hashable, Sendable {
  /// The text without newlines at its end: `echo`, editors and YAML add these.
  package let text: String
  /// The text with those newlines, for values that are passed on to others.
  package let asGiven: String
  /// The option, the variable or the position among the arguments, as messages name it.
  package let source: String

  package init(_ text: String, asGiven: String, source: String) {
    self.text = text
    self.asGiven = asGiven
    self.source = source
  }

  /// The text of a setting that is a name.
  /// - Throws: `UsageError` if it contains a control character
  package func name() throws(UsageError) -> String {
    try Self.checkName(text, "the name in \(source)")
    return text
  }

  /// The message repeats nothing of `text`.
  /// - Throws: `UsageError` if `text` contains a control character. The message calls the text `subject`.
  package static func checkName(_ text: String, _ subject: String) throws(UsageError) {
    guard let found = text.unicodeScalars.first(where: { $0.properties.generalCategory == .control }) else { return }
    let digits = String(found.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    throw UsageError("\(subject) holds the control character \(code); only a newline at its end is let go")
  }
}
