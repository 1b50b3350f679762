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

/// Exit statuses of workers.
///
/// This is a type of its own, since the metadata of an option with a `Set` takes a tenth of a millisecond to make at start.
struct WorkerStatuses: Hashable, Sendable {
  let codes: Set<Int32>
}

extension ValueType where Value == WorkerStatuses {
  static var workerStatuses: Self {
    Self("CODES", expected: "exit statuses such as 2,65-70") { text in
      NumberRanges.parse(text, in: 1...255).map { WorkerStatuses(codes: Set($0.joined().map { Int32($0) })) }
    }
  }
}

extension Duration {
  /// The longest time that RabbitMQ takes in milliseconds: 49 days.
  static let maxBrokerTime: Duration = .milliseconds(UInt32.max - 1)
}
