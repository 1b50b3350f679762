import AMQP
import Arguments

extension PoptArguments {
  /// The option's value as text.
  /// - Throws: `UsageError` if it is not UTF-8
  func text(_ option: PoptOption<[UInt8]>) throws(UsageError) -> String? {
    guard let bytes = self[option] else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw UsageError("\(option) is not text in UTF-8")
    }
    return text
  }

  /// The option's value as one of AMQP's short strings, which have at most 255 bytes.
  /// - Throws: `UsageError` if it is longer
  func shortString(_ option: PoptOption<[UInt8]>) throws(UsageError) -> ByteString? {
    guard let bytes = self[option] else { return nil }
    guard bytes.count <= 255 else { throw UsageError("\(option) is longer than 255 bytes") }
    return ByteString(bytes)
  }

  /// The option's value as text of at most 255 bytes: the name of a queue or an exchange, say.
  /// - Throws: `UsageError` if it is longer, or not UTF-8
  func name(_ option: PoptOption<[UInt8]>) throws(UsageError) -> String? {
    _ = try shortString(option)
    return try text(option)
  }
}
