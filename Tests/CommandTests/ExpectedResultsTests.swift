import AMQP
import Broker
import Testing

@testable import amqp_job

@Suite struct ExpectedResultsTests {
  /// A result of the item with this number.
  private func properties(_ number: Int, status: Int64? = 0, reason: ByteString? = nil) -> BasicProperties {
    var properties = BasicProperties()
    properties.correlationID = ByteString("w-\(number)")
    var headers: FieldTable = [
      ItemHeader.attempts: .int64(2), ItemHeader.milliseconds: .int64(1500), ItemHeader.host: .string("pod"),
    ]
    if let status { headers.append(ItemHeader.status, .int64(status)) }
    if let reason { headers.append(ItemHeader.reason, .string(reason)) }
    properties.headers = headers
    return properties
  }

  private func expecting(_ ids: ByteString..., inOrder: Bool = true) -> ExpectedResults {
    var expected = ExpectedResults("w", inOrder: inOrder)
    for (index, id) in ids.enumerated() { expected.expect(index + 1, id: id) }
    return expected
  }

  @Test("A result says whose it is, and how the worker ended")
  func fields() {
    var expected = expecting("a")
    let result = expected.take(properties(1, status: 3, reason: "failed"), body: [1])
    #expect(
      result == [
        PublishedResult(
          number: 1, id: "a", status: 3, reason: "failed", attempts: 2, seconds: 1.5, host: "pod", body: [1])
      ])
    #expect(expected.isComplete && expected.failedCount == 1)
  }

  @Test("In order, a result waits for those of the items before it")
  func inOrder() {
    var expected = expecting("a", "b", "c")
    #expect(expected.take(properties(3), body: []).isEmpty)
    #expect(expected.take(properties(1), body: []).map(\.id) == ["a"])
    #expect(expected.take(properties(2), body: []).map(\.id) == ["b", "c"])
    #expect(expected.isComplete && expected.takeRest().isEmpty)
  }

  @Test("In order, a result is due before later items are published")
  func stillPublishing() {
    var expected = expecting("a")
    #expect(expected.take(properties(1), body: []).map(\.number) == [1])
    expected.expect(2, id: "b")
    #expect(!expected.isComplete && expected.take(properties(2), body: []).map(\.number) == [2])
  }

  @Test("Otherwise each result is due when it comes")
  func asCompleted() {
    var expected = expecting("a", "b", inOrder: false)
    #expect(expected.take(properties(2), body: []).map(\.number) == [2])
    #expect(!expected.isComplete && expected.arrived == 1)
  }

  @Test("A result that comes twice counts once, and one of no item counts never")
  func strangers() {
    var expected = expecting("a", "b")
    #expect(expected.take(properties(1), body: []).count == 1)
    #expect(expected.take(properties(1), body: []).isEmpty)
    #expect(expected.take(properties(3), body: []).isEmpty)
    for id in [nil, "a", "w-", "w-x", "v-2", "w--2"] as [ByteString?] {
      var stranger = properties(2)
      stranger.correlationID = id
      #expect(expected.take(stranger, body: []).isEmpty)
    }
    #expect(expected.arrived == 1)
  }

  @Test("Items with the same message id have a result each, and a repeated result counts for neither of the others")
  func sameID() {
    var expected = expecting("a", "a", inOrder: false)
    #expect(expected.take(properties(2), body: [2]).map(\.number) == [2])
    #expect(expected.take(properties(2), body: [2]).isEmpty && !expected.isComplete)
    #expect(expected.take(properties(1), body: [1]).map(\.id) == ["a"])
    #expect(expected.isComplete)
  }

  @Test("A result without a status, or with a reason, is no success")
  func noSuccess() {
    var expected = expecting("a", "b")
    #expect(expected.take(properties(1, status: nil), body: []).first?.isSuccess == false)
    #expect(expected.take(properties(2, reason: "timed out"), body: []).first?.isSuccess == false)
    #expect(expected.failedCount == 2)
  }

  @Test(
    "A reason of whatever type is a failure",
    arguments: [.boolean(true), .void, .int64(0), .table([:])] as [FieldValue])
  func aReasonOfAnotherType(reason: FieldValue) {
    var expected = expecting("a")
    var properties = properties(1)
    properties.headers?.append(ItemHeader.reason, reason)
    let result = expected.take(properties, body: []).first
    #expect(result?.isSuccess == false && result?.isDeadLettered == false && result?.reason == "not text")
  }

  @Test(
    "A status that no shell could show, and a negative time, are none", arguments: [-1, 256, .max, .min] as [Int64])
  func impossibleNumbers(value: Int64) {
    var expected = expecting("a")
    var properties = properties(1)
    properties.headers = [ItemHeader.status: .int64(value), ItemHeader.milliseconds: .int64(-1)]
    let result = expected.take(properties, body: []).first
    #expect(result != nil && result?.status == nil && result?.seconds == nil && result?.isSuccess == false)
  }

  @Test("Where items are left out at the beginning, the first one that is published comes first")
  func skipped() {
    var expected = ExpectedResults("w", inOrder: true)
    expected.expect(8, id: "h")
    expected.expect(9, id: nil)
    #expect(expected.take(properties(8), body: []).map(\.number) == [8])
    #expect(expected.take(properties(9), body: []).map(\.id) == [nil])
  }

  @Test("At an early end the results that wait for others are there in their order")
  func rest() {
    var expected = expecting("a", "b", "c")
    _ = expected.take(properties(3), body: [])
    _ = expected.take(properties(2), body: [])
    #expect(expected.takeRest().map(\.number) == [2, 3])
  }

  @Test("An item with a reply-to or a correlation id of its own cannot be waited for")
  func objections() {
    let names = ResultNames()
    var item = BasicProperties()
    item.replyTo = ByteString(names.queue)
    #expect(names.objection(to: item) == nil)
    item.correlationID = "c"
    #expect(names.objection(to: item)?.contains("correlation_id") == true)
    item.replyTo = "elsewhere"
    #expect(names.objection(to: item)?.contains("reply_to") == true)
  }
}
