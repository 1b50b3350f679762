import AMQP
import Arguments
import Console

/// `NAME=VALUE`, as a field of an AMQP table. The value is a whole number, `true`, `false`, or else
/// text; text that looks like one of these stands in double quotes.
struct FieldArgument {
  let name: String
  let value: FieldValue

  /// Those of an option, in the order in which they were given.
  /// - Throws: `Failure`, `UsageError` where two have the same name
  static func all(_ option: String, _ settings: inout Settings) throws -> [FieldArgument] {
    let fields = try settings.list(option).map(FieldArgument.init)
    let names = fields.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw UsageError("--\(option) \(twice)=... is given twice")
    }
    return fields
  }

  /// - Throws: `Failure`
  init(_ setting: Setting) throws {
    let parts = setting.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, ShortString(String(parts[0])) != nil else {
      throw Failure(.usage, "\(setting.source) is to be NAME=VALUE, the name from 1 to 255 bytes")
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
