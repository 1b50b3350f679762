import AMQP
import Broker
import Testing

@testable import amqp_job

@Suite struct ExpectedResultsTests {
  private func properties(_ id: ByteString?, status: Int64? = 0) -> BasicProperties {
    var properties = BasicProperties()
    properties.correlationID = id
    var headers: FieldTable = [
      ItemHeader.attempts: .int64(2), ItemHeader.milliseconds: .int64(1500), ItemHeader.host: .string("pod"),
    ]
    if let status { headers.append(ItemHeader.status, .int64(status)) }
    properties.headers = headers
    return properties
  }

  private func expecting(_ ids: ByteString..., inOrder: Bool = true) -> ExpectedResults {
    var expected = ExpectedResults(inOrder: inOrder)
    for (index, id) in ids.enumerated() { expected.expect(index + 1, id: id) }
    return expected
  }

  @Test("A result says whose it is, and how the worker ended")
  func fields() {
    var expected = expecting("a")
    let result = expected.take(properties("a", status: 3), body: [1])
    #expect(
      result == [
        PublishedResult(number: 1, id: "a", status: 3, attempts: 2, seconds: 1.5, host: "pod", body: [1])
      ])
    #expect(expected.isComplete && expected.failures.count == 1)
  }

  @Test("In order, a result waits for those of the items before it")
  func inOrder() {
    var expected = expecting("a", "b", "c")
    #expect(expected.take(properties("c"), body: []).isEmpty)
    #expect(expected.take(properties("a"), body: []).map(\.id) == ["a"])
    #expect(expected.take(properties("b"), body: []).map(\.id) == ["b", "c"])
    #expect(expected.isComplete && expected.takeRest().isEmpty)
  }

  @Test("Otherwise each result is due when it comes")
  func asCompleted() {
    var expected = expecting("a", "b", inOrder: false)
    #expect(expected.take(properties("b"), body: []).map(\.number) == [2])
    #expect(!expected.isComplete && expected.arrived == 1)
  }

  @Test("A result that comes twice counts once, and one of no item counts never")
  func strangers() {
    var expected = expecting("a", "b")
    #expect(expected.take(properties("a"), body: []).count == 1)
    #expect(expected.take(properties("a"), body: []).isEmpty)
    #expect(expected.take(properties("x"), body: []).isEmpty && expected.take(properties(nil), body: []).isEmpty)
    #expect(expected.arrived == 1)
  }

  @Test("Items with the same id have a result each")
  func sameID() {
    var expected = expecting("a", "a")
    #expect(expected.take(properties("a"), body: [1]).map(\.number) == [1])
    #expect(expected.take(properties("a"), body: [2]).map(\.number) == [2])
    #expect(expected.isComplete)
  }

  @Test("A result without a status is no success")
  func noStatus() {
    var expected = expecting("a")
    #expect(expected.take(properties("a", status: nil), body: []).first?.isSuccess == false)
    #expect(expected.failures.count == 1)
  }

  @Test("Where items are left out at the beginning, the first one that is published comes first")
  func skipped() {
    var expected = ExpectedResults(inOrder: true)
    expected.expect(8, id: "h")
    expected.expect(9, id: "i")
    #expect(expected.take(properties("h"), body: []).map(\.number) == [8])
  }

  @Test("At an early end the results that wait for others are there in their order")
  func rest() {
    var expected = expecting("a", "b", "c")
    _ = expected.take(properties("c"), body: [])
    _ = expected.take(properties("b"), body: [])
    #expect(expected.takeRest().map(\.number) == [2, 3])
  }
}
