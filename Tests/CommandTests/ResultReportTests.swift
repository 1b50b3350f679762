import AMQP
import Broker
import Testing

@testable import amqp_job

@Suite("What publish --wait says of items that failed") struct ResultReportTests {
  /// The results that came, by the status of each item. nil stands for one that did not come, -1 for one without a status.
  /// Those in `reasons` have a reason.
  private func expected(_ statuses: [Int64?], reasons: [Int: FieldValue] = [:]) -> ExpectedResults {
    var expected = ExpectedResults("r", inOrder: true)
    for number in 1...statuses.count { expected.expect(number, id: ByteString("id-\(number)")) }
    for (index, status) in statuses.enumerated().reversed() {
      guard let status else { continue }
      var properties = BasicProperties()
      properties.correlationID = expected.correlationID(index + 1)
      var headers: FieldTable = status < 0 ? [:] : [ItemHeader.status: .int64(status)]
      if let reason = reasons[index + 1] { headers.append(ItemHeader.reason, reason) }
      properties.headers = headers
      _ = expected.take(properties, body: [1])
    }
    return expected
  }

  private func failure(_ statuses: [Int64?], deadQueue: String? = nil, reasons: [Int: FieldValue] = [:]) -> String {
    ResultReport(expected(statuses, reasons: reasons)).failure(of: WorkQueue("q"), deadQueue: deadQueue).text
  }

  @Test("The items are named with status and id, in their order, and their dead letters' place")
  func items() {
    #expect(
      failure(
        [0, 3, 137, -1], deadQueue: "q.dead",
        reasons: [2: .string("failed"), 3: .string("killed"), 4: .string("not started")])
        == "3 of 4 items failed, by the results of their workers: item 2 (status 3, id id-2), item 3 (status 137, id id-3), "
        + "item 4 (without a status, id id-4); their dead letters are in queue 'q.dead' ('amqp-job dead list q')")
    #expect(
      failure([3], deadQueue: "q.dead", reasons: [1: .string("timed out")]).contains(
        "; its dead letter is in queue 'q.dead'"))
  }

  @Test("Only what a runner dead-lettered is said to be a dead letter")
  func othersAnswers() {
    #expect(!failure([3, 4], deadQueue: "q.dead").contains("dead"))
    #expect(
      !failure([3, 0], deadQueue: "q.dead", reasons: [1: .string("bad luck"), 2: .boolean(true)]).contains("dead"))
    #expect(
      failure([3, 4], deadQueue: "q.dead", reasons: [1: .string("failed")])
        .contains("; the dead letter of one of them is in queue 'q.dead'"))
    #expect(
      failure([3, 4, 5], deadQueue: "q.dead", reasons: [1: .string("failed"), 3: .string("failed")])
        .contains("; the dead letters of 2 of them are in queue 'q.dead'"))
  }

  @Test("Where no dead-letter queue is known, none is named")
  func noDeadQueue() {
    #expect(failure([3]) == "1 of 1 item failed, by the results of their workers: item 1 (status 3, id id-1)")
  }

  @Test("Only the first ten are named")
  func many() {
    let text = failure(Array(repeating: 1, count: 12))
    #expect(text.contains("item 10 (") && !text.contains("item 11") && text.hasSuffix(", ..."))
  }

  @Test("A wait says for how many results, and what a runner needs")
  func waiting() {
    #expect(
      ResultReport(expected([0, nil, nil])).waiting(for: WorkQueue("q"), at: BrokerURL(host: "h"))
        == "waiting for 2 of 3 results from the runners of queue 'q' at h:5672, which need --result-queue reply-to")
  }

  @Test("At an early end it is said which results did not come, and which items failed")
  func early() {
    let report = ResultReport(expected([0, 3, nil, nil]))
    #expect(report.arrival == "2 of 4 results came, not those of items 3, 4")
    #expect(report.failedItems == "; failed: item 2 (status 3, id id-2)")
    let none = ResultReport(expected([nil, nil]))
    #expect(none.arrival == "0 of 2 results came" && none.failedItems.isEmpty)
    #expect(ResultReport(expected([nil, 0])).arrival == "1 of 2 results came, not that of item 1")
  }
}
