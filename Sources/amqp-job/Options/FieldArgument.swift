import AMQP
import Arguments
import Console

/// A field of an AMQP table, given as `NAME=VALUE`. The value is a whole number, `true`, `false` or text. Text that looks like
/// a number or a boolean has to stand in double quotes.
struct FieldArgument {
  let name: String
  let value: FieldValue

  /// The option's fields, in the order in which they were given.
  /// - Throws: `UsageError` for one that cannot be read, or if two have the same name
  static func all(_ option: RepeatableOption<Self>, _ settings: inout Settings) throws -> [FieldArgument] {
    let fields = try settings.values(option)
    let names = fields.map(\.name)
    if let twice = names.firstRepeated {
      throw UsageError("\(option) \(twice)=... is given twice")
    }
    return fields
  }

  fileprivate init(_ setting: Setting) throws(UsageError) {
    let parts = setting.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, ShortString(String(parts[0])) != nil else {
      throw UsageError("\(setting.source) is to be NAME=VALUE, the name from 1 to 255 bytes")
    }
    name = String(parts[0])
    try Setting.checkName(name, "the NAME in \(setting.source)")
    let text = String(parts[1])
    if let number = Int64(text) {
      value = .int64(number)
    } else if let flag = Bool(text) {
      value = .boolean(flag)
    } else if text.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
      value = .string(ByteString(String(text.dropFirst().dropLast())))
    } else {
      value = .string(ByteString(text))
    }
  }
}

extension ValueType where Value == FieldArgument {
  static var field: Self {
    Self("NAME=VALUE", read: { (setting) throws(UsageError) in try FieldArgument(setting) }, text: { "\($0.name)=..." })
  }
}
