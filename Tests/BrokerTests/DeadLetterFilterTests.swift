import AMQP
import Testing

@testable import Broker

/// Which dead letters a filter means.
@Suite struct DeadLetterFilterTests {
  private func properties(_ headers: FieldTable?, id: ByteString? = "a") -> BasicProperties {
    var properties = BasicProperties()
    (properties.messageID, properties.headers) = (id, headers)
    return properties
  }

  private let letter: FieldTable = [
    "x-amqp-job-reason": .string("timed out"), "x-amqp-job-time": .timestamp(1000), "n": .int32(7),
    "ok": .boolean(true), "color": .string("red"), "table": .table(["x": .int32(1)]), "raw": .bytes([0xFF]),
  ]

  private func filter(_ change: (inout DeadLetterFilter) -> Void) -> DeadLetterFilter {
    var filter = DeadLetterFilter()
    change(&filter)
    return filter
  }

  @Test("A filter without conditions matches every dead letter") func withoutAWishAllAreMeant() {
    #expect(DeadLetterFilter().isEmpty && DeadLetterFilter().matches(properties(nil, id: nil), at: 1))
  }

  @Test(
    "A dead letter matches if its id is among those asked for",
    arguments: [(["a"], true), (["b", "a"], true), (["b"], false), ([""], false)])
  func ids(ids: [String], expected: Bool) {
    let filter = filter { $0.ids = Set(ids) }
    #expect(!filter.isEmpty && filter.matches(properties(letter), at: 1) == expected)
    #expect(!filter.matches(properties(letter, id: nil), at: 1))
  }

  @Test(
    "A dead letter matches only its whole reason",
    arguments: [("timed out", true), ("timed-out", true), ("failed", false), ("rejected (broker)", false)])
  func reasons(text: String, expected: Bool) throws {
    let reason = try #require(ReasonFilter(text))
    #expect(filter { $0.reason = reason }.matches(properties(letter), at: 1) == expected)
    #expect(!filter { $0.reason = reason }.matches(properties(nil), at: 1))
  }

  @Test("What dead list shows is a reason, and so is each word that a shell offers")
  func shownReasons() {
    for text in ReasonFilter.shown + ReasonFilter.words { #expect(ReasonFilter(text) != nil, "\(text)") }
    #expect(ReasonFilter.words.allSatisfy { !$0.contains { " ()".contains($0) } })
    for text in ["", "timed", "failed (broker)", "rejected(broker)", "rejected (brokers)"] {
      #expect(ReasonFilter(text) == nil, "\(text)")
    }
  }

  @Test("A reason that a runner and the broker have means both, unless it is the broker's by name")
  func reasonsOfBoth() {
    let own: FieldTable = ["x-amqp-job-reason": .string("rejected")]
    let brokers: FieldTable = ["x-death": .array([.table(["reason": .string("rejected")])])]
    for headers in [own, brokers] {
      #expect(filter { $0.reason = ReasonFilter("rejected") }.matches(properties(headers), at: 1))
    }
    let filter = filter { $0.reason = ReasonFilter("rejected (broker)") }
    #expect(filter.matches(properties(brokers), at: 1) && !filter.matches(properties(own), at: 1))
  }

  @Test("A reason that the broker gave matches like a runner's") func aBrokersReasonIsOneToo() {
    let headers: FieldTable = [
      "x-death": .array([.table(["reason": .string("expired"), "time": .timestamp(5)])])
    ]
    #expect(filter { ($0.reason, $0.latest) = (ReasonFilter("expired"), 5) }.matches(properties(headers), at: 1))
  }

  @Test(
    "A dead letter matches if its time is within the limits",
    arguments: [
      (nil, 1000, true), (nil, 999, false), (1000, nil, true), (1001, nil, false), (500, 1500, true),
      (1500, 500, false),
    ] as [(UInt64?, UInt64?, Bool)])
  func times(earliest: UInt64?, latest: UInt64?, expected: Bool) {
    let filter = filter { ($0.earliest, $0.latest) = (earliest, latest) }
    #expect(filter.matches(properties(letter), at: 1) == expected)
    #expect(!filter.matches(properties(nil), at: 1), "it does not say when it was dead-lettered")
  }

  @Test(
    "A dead letter matches if the header has exactly that value",
    arguments: [
      ("color", "red", true), ("color", "blue", false), ("n", "7", true), ("n", "07", false), ("ok", "true", true),
      ("table", "", false), ("missing", "", false), ("x-amqp-job-time", "1000", true),
    ])
  func headers(name: String, value: String, expected: Bool) {
    let header = DeadLetterFilter.Header(name: ByteString(name), value: ByteString(value))
    #expect(filter { $0.headers = [header] }.matches(properties(letter), at: 1) == expected)
  }

  @Test(
    "A dead letter matches if its position is in one of the ranges",
    arguments: [(1, false), (2, true), (3, false), (5, true), (7, true), (8, false)])
  func positions(position: Int, expected: Bool) {
    let filter = filter { $0.positions = Positions([5...7, 2...2]) }
    #expect(!filter.isEmpty && filter.positions?.last == 7)
    #expect(filter.matches(properties(nil, id: nil), at: position) == expected)
  }

  @Test("A dead letter has to match every condition") func everythingHasToHold() {
    let red = DeadLetterFilter.Header(name: "color", value: "red")
    let one = DeadLetterFilter.Header(name: "n", value: "1")
    #expect(
      filter { ($0.headers, $0.ids, $0.reason) = ([red], ["a"], ReasonFilter("timed out")) }.matches(
        properties(letter), at: 1))
    #expect(!filter { $0.headers = [red, one] }.matches(properties(letter), at: 1))
    #expect(!filter { ($0.headers, $0.ids) = ([red], ["b"]) }.matches(properties(letter), at: 1))
  }
}
