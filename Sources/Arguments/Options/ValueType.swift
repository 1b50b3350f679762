import Console

/// The type of an option's value: how a value is read from text, and how it is written as text.
package struct ValueType<Value: Sendable>: Sendable {
  package typealias Reader = @Sendable (Setting) throws(UsageError) -> Value

  /// What stands for the value in the help.
  package var placeholder: String { makePlaceholder() }
  private let makePlaceholder: OptionDefinition.Text
  /// The values that a shell offers, where the placeholder does not list them.
  private(set) var makeOffered: OptionDefinition.Words = { [] }
  package let read: Reader
  var check: OptionDefinition.Check { { [read] (setting) throws(UsageError) in _ = try read(setting) } }
  package let text: @Sendable (Value) -> String

  package init(
    _ placeholder: @autoclosure @escaping OptionDefinition.Text, read: @escaping Reader,
    text: @escaping @Sendable (Value) -> String
  ) {
    makePlaceholder = placeholder
    self.read = read
    self.text = text
  }

  /// A type whose values are read by `parse`, which returns nil for text that is not a value. The error for such text says that
  /// it should be `expected`: "a duration such as 30s", say.
  package init(
    _ placeholder: @autoclosure @escaping OptionDefinition.Text,
    expected: @autoclosure @escaping OptionDefinition.Text, parse: @escaping @Sendable (String) -> Value?,
    text: @escaping @Sendable (Value) -> String = { "\($0)" }
  ) {
    self.init(
      placeholder(),
      read: { (setting) throws(UsageError) in
        guard let value = parse(setting.text) else { throw setting.error(expected: expected()) }
        return value
      }, text: text)
  }

  /// This type with values that a shell offers.
  package func offering(_ words: @autoclosure @escaping OptionDefinition.Words) -> Self {
    var type = self
    type.makeOffered = words
    return type
  }

  /// The value of a text that is known to be valid: a default, say.
  package func constant(_ text: String) -> Value {
    do {
      return try read(Setting(text, asGiven: text, source: "the constant"))
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// This type without the values that fail `check`. The error for such a value is `reason`, after the name of its source:
  /// "is at least 1s".
  package func limited(_ reason: String, _ check: @escaping @Sendable (Value) -> Bool) -> Self {
    Self(
      makePlaceholder(),
      read: { [read] (setting) throws(UsageError) in
        let value = try read(setting)
        guard check(value) else { throw UsageError("\(setting.source) \(reason)") }
        return value
      }, text: text)
  }
}

extension Setting {
  /// The error for a setting whose text cannot be read.
  package func error(expected: String) -> UsageError { UsageError("\(source) is to be \(expected), not '\(text)'") }
}

extension ValueType where Value == Setting {
  /// Any text, with its source.
  package static func setting(_ placeholder: String) -> Self {
    Self(placeholder, read: { (setting) throws(UsageError) in setting }, text: { $0.text })
  }
}

extension ValueType where Value == String {
  /// Any text.
  package static func text(_ placeholder: String) -> Self {
    Self(placeholder, read: { (setting) throws(UsageError) in setting.text }, text: { $0 })
  }

  /// Text without control characters.
  package static func name(_ placeholder: String) -> Self {
    Self(placeholder, read: { (setting) throws(UsageError) in try setting.name() }, text: { $0 })
  }
}

extension ValueType where Value == Duration {
  package static var duration: Self {
    Self(
      "DURATION", expected: "a duration such as 30s, 10m or 72h", parse: { Duration(parsing: $0) },
      text: { $0.optionText })
  }
}

extension ValueType where Value == Duration? {
  /// A limit of time. `0` means that there is none, as it does to timeout(1).
  package static var timeLimit: Self {
    let duration = ValueType<Duration>.duration
    return Self(
      duration.placeholder,
      read: { (setting) throws(UsageError) in
        let limit = try duration.read(setting)
        return limit == .zero ? nil : limit
      }, text: { duration.text($0 ?? .zero) })
  }
}

extension ValueType where Value == Int {
  /// A whole number from 1.
  package static func count(_ placeholder: String = "N", upTo limit: Int = .max) -> Self {
    Self(
      placeholder, expected: "a whole number from 1" + (limit == .max ? "" : " to \(limit)"),
      parse: { Int($0).flatMap { (1...limit).contains($0) ? $0 : nil } })
  }

  /// A number of bytes.
  package static var size: Self {
    Self(
      "SIZE", expected: "a size such as 64KiB or 16MiB", parse: { Int(byteCount: $0) }, text: { $0.byteCountText })
  }
}

extension ValueType
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  private static var names: [String] { Value.allCases.map { $0.rawValue } }

  /// One of the cases of an enumeration.
  package static var choice: Self {
    Self(
      names.joined(separator: "|"), expected: names.joined(separator: " or "), parse: { Value(rawValue: $0) },
      text: { $0.rawValue })
  }
}

extension Duration {
  /// The duration as a help text shows it: `0`, `24h`, or like `text`.
  fileprivate var optionText: String {
    let milliseconds = wholeMilliseconds
    if milliseconds == 0 { return "0" }
    return milliseconds % 3_600_000 == 0 ? "\(milliseconds / 3_600_000)h" : text
  }
}
