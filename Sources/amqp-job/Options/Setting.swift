import Console
import Linux

/// What a user set, and where. Newlines at the end (LF or CRLF) are no part of it: `echo`, editors and YAML leave them.
struct Setting {
  let text: String
  /// With those newlines: for what is handed on to others, and no setting of ours.
  let asGiven: String
  /// The option, the variable or the place among the arguments, for messages to name.
  let source: String

  init(_ text: String, from source: String) {
    asGiven = text
    self.text = text.withoutTrailingNewlines
    self.source = source
  }

  /// The text of what is a name.
  /// - Throws: `Failure` where it holds a control character
  func name() throws -> String {
    try Self.checkName(text, "the name in \(source)")
    return text
  }

  /// The message repeats nothing of `text`.
  /// - Throws: `Failure` where `text` holds a control character; `subject` is what it is called then
  static func checkName(_ text: String, _ subject: String) throws {
    guard let found = text.unicodeScalars.first(where: { $0.properties.generalCategory == .control }) else { return }
    let digits = String(found.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    throw Failure(.usage, "\(subject) holds the control character \(code); only a newline at its end is let go")
  }
}
