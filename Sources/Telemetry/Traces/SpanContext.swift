/// Which span of which trace, as W3C Trace Context passes it on (<https://www.w3.org/TR/trace-context/>).
package struct SpanContext: Hashable, Sendable {
  /// Identifies a trace with all its spans. It is not 0.
  package struct TraceID: Hashable, Sendable {
    var high: UInt64
    var low: UInt64

    /// 32 hexadecimal digits.
    package var text: String { high.hexadecimal + low.hexadecimal }
  }

  package var traceID: TraceID
  /// Identifies a span within its trace. It is not 0.
  package var spanID: UInt64
  /// Whether the span, and so its children, are recorded.
  package var isSampled: Bool

  /// 16 hexadecimal digits.
  package var spanText: String { spanID.hexadecimal }

  /// The form of the header `traceparent`, in version 00.
  package var traceParent: String { "00-\(traceID.text)-\(spanText)-0\(isSampled ? 1 : 0)" }
}

// MARK: Reading

extension SpanContext {
  private static let size = 55
  private static let sampledFlag: UInt64 = 1

  /// Reads a header `traceparent`. nil if it is invalid. A version later than 00 may have more behind the flags.
  package init?(traceParent bytes: [UInt8]) {
    guard bytes.count >= Self.size, bytes.count == Self.size || bytes[Self.size] == UInt8(ascii: "-") else {
      return nil
    }
    let fields = bytes.prefix(Self.size).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard fields.map(\.count) == [2, 32, 16, 2],
      let version = UInt64(hexadecimal: fields[0]), version != 0xFF, version > 0 || bytes.count == Self.size,
      let high = UInt64(hexadecimal: fields[1].prefix(16)), let low = UInt64(hexadecimal: fields[1].suffix(16)),
      let span = UInt64(hexadecimal: fields[2]), let flags = UInt64(hexadecimal: fields[3]),
      high != 0 || low != 0, span != 0
    else { return nil }
    self.init(traceID: TraceID(high: high, low: low), spanID: span, isSampled: flags & Self.sampledFlag != 0)
  }
}

// MARK: Making

extension SpanContext {
  /// A new span in the trace of `parent`, or in a new trace without one.
  package static func make(
    childOf parent: SpanContext?, _ sampler: Sampler, using generator: inout some RandomNumberGenerator
  ) -> SpanContext {
    let traceID =
      parent?.traceID ?? TraceID(high: .random(in: .min ... .max, using: &generator), low: .nonZero(using: &generator))
    return SpanContext(
      traceID: traceID, spanID: .nonZero(using: &generator),
      isSampled: sampler.samples(traceID, isParentSampled: parent?.isSampled))
  }
}

extension UInt64 {
  fileprivate static func nonZero(using generator: inout some RandomNumberGenerator) -> UInt64 {
    .random(in: 1 ... .max, using: &generator)
  }

  /// The number in 16 lower-case digits.
  fileprivate var hexadecimal: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Reads lower-case digits, and nothing else.
  fileprivate init?(hexadecimal digits: ArraySlice<UInt8>) {
    let isLowerCase = digits.allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
    guard isLowerCase, let number = UInt64(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
    self = number
  }
}
