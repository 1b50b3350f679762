import Testing

@testable import Telemetry

/// Counts up from a number.
struct Counter: RandomNumberGenerator {
  var last: UInt64

  mutating func next() -> UInt64 {
    last += 1
    return last
  }
}

@Suite struct SpanContextTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let header = "00-\(trace)-b7ad6b7169203331-01"

  private func read(_ text: String) -> SpanContext? { SpanContext(traceParent: Array(text.utf8)) }

  @Test(
    "A header is read, and written as version 00",
    arguments: [
      (header, header), ("00-\(trace)-b7ad6b7169203331-00", "00-\(trace)-b7ad6b7169203331-00"),
      ("00-\(trace)-b7ad6b7169203331-ff", header),
      ("00-\(trace)-b7ad6b7169203331-02", "00-\(trace)-b7ad6b7169203331-00"),
      ("01-\(trace)-b7ad6b7169203331-01", header), ("fe-\(trace)-b7ad6b7169203331-01-more", header),
      (
        "00-0000000000000000000000000000000a-000000000000000b-01",
        "00-0000000000000000000000000000000a-000000000000000b-01"
      ),
    ])
  func valid(text: String, written: String) { #expect(read(text)?.traceParent == written) }

  @Test(
    "What W3C calls invalid is no parent",
    arguments: [
      "", "00", "00-1-2-01", "00-ab", "00-\(trace)-b7ad6b7169203331", "ff-\(trace)-b7ad6b7169203331-01",
      "00-\(trace)-b7ad6b7169203331-01-", "00-\(trace)-b7ad6b7169203331-01x", "01-\(trace)-b7ad6b7169203331-01x",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-\(trace)-0000000000000000-01",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00-\(trace)-b7ad6b7169203331-0g",
      "00-\(trace)-+7ad6b7169203331-01", " 00-\(trace)-b7ad6b7169203331-01", "00-\(trace)--b7ad6b716920333-01",
      "00_\(trace)_b7ad6b7169203331_01",
    ])
  func invalid(text: String) { #expect(read(text) == nil) }

  @Test("A child is in the trace of its parent, and a span without one begins a trace") func children() throws {
    var generator = Counter(last: 0)
    let parent = try #require(read(Self.header))
    let child = SpanContext.make(childOf: parent, .parentBasedAlwaysOn, using: &generator)
    #expect(child.traceID == parent.traceID && child.spanID != parent.spanID && child.isSampled)
    let root = SpanContext.make(childOf: nil, .parentBasedAlwaysOn, using: &generator)
    #expect(root.traceID != parent.traceID && root.isSampled)
    #expect(read(root.traceParent) == root)
  }

  @Test(
    "Samplers go by the parent, by the trace or by neither",
    arguments: [
      // The name, the argument, whether an unsampled, a sampled and no parent make a recorded span.
      ("always_on", nil, [true, true, true]), ("always_off", nil, [false, false, false]),
      ("parentbased_always_on", nil, [false, true, true]), ("parentbased_always_off", nil, [false, true, false]),
      ("traceidratio", "1", [true, true, true]), ("traceidratio", "0", [false, false, false]),
      ("parentbased_traceidratio", "0.0", [false, true, false]),
      ("parentbased_traceidratio", nil, [false, true, true]),
    ] as [(String, String?, [Bool])])
  func samplers(name: String, argument: String?, decisions: [Bool]) throws {
    let sampler = try #require(Sampler(name: name, argument: argument))
    let trace = SpanContext.TraceID(high: 1, low: .max)
    #expect([false, true, nil].map { sampler.samples(trace, isParentSampled: $0) } == decisions)
  }

  @Test("A share of the traces is chosen by their ids") func share() throws {
    let sampler = try #require(Sampler(name: "traceidratio", argument: "0.25"))
    var generator = SystemRandomNumberGenerator()
    let count = (0..<10_000).count { _ in
      SpanContext.make(childOf: nil, sampler, using: &generator).isSampled
    }
    #expect((2000...3000).contains(count))
  }

  @Test(
    "No other samplers are known",
    arguments: [("jaeger_remote", nil), ("", nil), ("traceidratio", "2"), ("traceidratio", "x"), ("parentbased_", nil)]
      as [(String, String?)])
  func unknown(name: String, argument: String?) { #expect(Sampler(name: name, argument: argument) == nil) }
}
