import AMQP
import Arguments

extension PoptArguments {
  /// The value of the option as text.
  /// - Throws: `UsageError` if the value is not UTF-8
  func text(_ option: PoptOption<[UInt8]>) throws(UsageError) -> String? {
    guard let bytes = self[option] else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw UsageError("\(option) is not text in UTF-8")
    }
    return text
  }

  /// The value of the option as a short string of AMQP, which has at most 255 bytes.
  /// - Throws: `UsageError` for a longer value
  func shortString(_ option: PoptOption<[UInt8]>) throws(UsageError) -> ByteString? {
    guard let bytes = self[option] else { return nil }
    guard let short = ShortString(bytes) else { throw UsageError("\(option) is longer than 255 bytes") }
    return short.value
  }

  /// The same as text, for the name of a queue or an exchange.
  /// - Throws: `UsageError`
  func name(_ option: PoptOption<[UInt8]>) throws(UsageError) -> String? {
    _ = try shortString(option)
    return try text(option)
  }
}
