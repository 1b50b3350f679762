import AMQP
import Arguments
import Console

extension PoptArguments {
  /// The value of the option as text.
  /// - Throws: `Failure` where the value is not UTF-8
  func text(_ option: String) throws -> String? {
    guard let bytes = self[option] else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "--\(option) is not text in UTF-8")
    }
    return text
  }

  /// The value of the option as a short string of AMQP, which has at most 255 bytes.
  /// - Throws: `Failure` for a longer value
  func shortString(_ option: String) throws -> ByteString? {
    guard let bytes = self[option] else { return nil }
    guard let short = ShortString(bytes) else { throw Failure(.usage, "--\(option) is longer than 255 bytes") }
    return short.value
  }

  /// The same as text, for the name of a queue or an exchange.
  /// - Throws: `Failure`
  func name(_ option: String) throws -> String? {
    _ = try shortString(option)
    return try text(option)
  }
}
