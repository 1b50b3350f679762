import AMQP
import Arguments
import Console

extension PoptArguments {
  /// The value of an option that is text.
  /// - Throws: `Failure` for what is none
  func text(_ option: String) throws -> String? {
    guard let bytes = self[option] else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "--\(option) is not text in UTF-8")
    }
    return text
  }

  /// The value of an option as AMQP's short strings are: at most 255 bytes.
  /// - Throws: `Failure` for a longer one
  func shortString(_ option: String) throws -> ByteString? {
    guard let bytes = self[option] else { return nil }
    guard bytes.count <= 255 else { throw Failure(.usage, "--\(option) is longer than 255 bytes") }
    return ByteString(bytes)
  }

  /// The same as text: the name of a queue or an exchange, say.
  /// - Throws: `Failure`
  func name(_ option: String) throws -> String? {
    _ = try shortString(option)
    return try text(option)
  }
}
