internal import HTTP
internal import JSONText

/// What a collector has answered to a request, as far as a client reacts to it.
package enum ExportAnswer: Hashable, Sendable {
  case accepted
  /// It has not taken so many of the spans, and may have said why.
  case partlyAccepted(rejected: Int, reason: String)
  /// It may take the same spans later.
  case unavailable(reason: String)
  /// It takes these spans at no time.
  case refused(reason: String)
}

extension ExportAnswer {
  /// The statuses after which the same request is sent again
  /// (<https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>).
  private static let retryable = [429, 502, 503, 504]

  init(_ outcome: HTTPClient.Outcome) {
    switch outcome {
    case .response(200..<300, let body): self = Self.success(body)
    case .response(let status, _) where Self.retryable.contains(status):
      self = .unavailable(reason: "it answers \(status)")
    case .response(let status, _): self = .refused(reason: "it answers \(status)")
    case .unreachable(let reason), .failed(let reason): self = .unavailable(reason: reason)
    }
  }

  /// The message `ExportTraceServiceResponse`, which has no members if all spans were accepted.
  private static func success(_ body: [UInt8]) -> ExportAnswer {
    guard case .object(let members)? = try? JSONReader.read(body, limit: 1000),
      case .object(let partial)? = members.first(where: { $0.name == "partialSuccess" })?.value,
      let rejected = partial.first(where: { $0.name == "rejectedSpans" })?.value.count, rejected > 0
    else { return .accepted }
    var reason = "it rejects some"
    if case .text(let text)? = partial.first(where: { $0.name == "errorMessage" })?.value, !text.isEmpty {
      reason += ": \(text.prefix(200))"
    }
    return .partlyAccepted(rejected: rejected, reason: reason)
  }
}

extension JSONValue {
  /// A number of 64 bits, which may be written as a text.
  fileprivate var count: Int? {
    switch self {
    case .integer(let number): Int(number)
    case .text(let text): Int(text)
    default: nil
    }
  }
}
