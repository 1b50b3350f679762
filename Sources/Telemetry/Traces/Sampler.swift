/// Which spans are recorded (<https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampling>).
package struct Sampler: Hashable, Sendable {
  /// A span with a parent is recorded if its parent is.
  var followsParent: Bool
  /// The share of the traces, from 0 to 1, of which other spans are recorded.
  var share: Double

  package static let parentBasedAlwaysOn = Sampler(followsParent: true, share: 1)

  /// `argument` is the share, for the samplers that take one. nil for an unknown name, or a share that is none.
  package init?(name: String, argument: String?) {
    let prefix = "parentbased_"
    followsParent = name.hasPrefix(prefix)
    switch followsParent ? name.dropFirst(prefix.count) : name[...] {
    case "always_on": share = 1
    case "always_off": share = 0
    case "traceidratio":
      guard let share = Double(argument ?? "1"), (0...1).contains(share) else { return nil }
      self.share = share
    default: return nil
    }
  }

  private init(followsParent: Bool, share: Double) { (self.followsParent, self.share) = (followsParent, share) }

  /// The decision is the same for all spans of a trace. `isParentSampled` is nil for a span without a parent.
  func samples(_ traceID: SpanContext.TraceID, isParentSampled: Bool?) -> Bool {
    if followsParent, let isParentSampled { return isParentSampled }
    // As other implementations do, by the last 63 bits of the id.
    return share >= 1 || Double(traceID.low & (1 << 63 - 1)) < share * 0x1p63
  }
}
