import AMQP
import Arguments

extension ValueType where Value == ByteString {
  /// Text that fits AMQP's short strings, which have at most 255 bytes.
  static func shortString(_ placeholder: String) -> Self {
    Self(placeholder, expected: "at most 255 bytes") { ShortString($0)?.value }
  }

  /// A short string without control characters.
  static func shortName(_ placeholder: String) -> Self {
    let shortString = Self.shortString(placeholder)
    return Self(
      placeholder,
      read: { (setting) throws(UsageError) in
        _ = try setting.name()
        return try shortString.read(setting)
      }, text: shortString.text)
  }
}

extension ValueType where Value == Set<Int32> {
  /// Exit statuses of workers.
  static var exitStatuses: Self {
    Self("CODES", expected: "exit statuses such as 2,65-70") { text in
      NumberRanges.parse(text, in: 1...255).map { Set($0.joined().map { Int32($0) }) }
    }
  }
}

extension Duration {
  /// The longest time that RabbitMQ takes in milliseconds: 49 days.
  static let maxBrokerTime: Duration = .milliseconds(UInt32.max - 1)
}
