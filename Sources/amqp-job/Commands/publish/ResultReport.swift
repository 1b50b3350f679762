import AMQP
import Broker
import Console

/// What `publish --wait` says of the items that failed, or that have no result.
struct ResultReport {
  private let expected: ExpectedResults

  init(_ expected: ExpectedResults) { self.expected = expected }

  /// How many results came, which did not, and which items failed.
  var came: String { arrival + failedItems }

  var arrival: String {
    let open = expected.openNumbers
    let missing =
      expected.arrived == 0 || open.isEmpty ? "" : ", not \(open.count == 1 ? "that" : "those") of \(open.itemList)"
    return "\(expected.arrived) of \(expected.total.counted("result")) came\(missing)"
  }

  /// What the command waits for.
  func waiting(for queue: WorkQueue, at broker: BrokerURL) -> String {
    let count = expected.total - expected.arrived
    return
      "waiting for \(count) of \(expected.total.counted("result")) from the runners of queue '\(queue.name)' at \(broker), "
      + "which need --result-queue reply-to"
  }

  var failedItems: String { expected.failures.isEmpty ? "" : "; failed: \(list)" }

  /// The message where every result came. `deadQueue` is the queue in which the dead letters are, if that is known.
  func failure(of queue: WorkQueue, deadQueue: String?) -> Failure {
    let count = expected.failedCount
    let place = deadLetters.flatMap { letters in
      deadQueue.map { "; \(letters) in queue '\($0)' ('amqp-job dead list \(queue.name.shellWord)')" }
    }
    return Failure(
      .failure,
      "\(count) of \(expected.total.counted("item")) failed, by the results of their workers: \(list)\(place ?? "")")
  }

  /// The dead letters of the items that failed, as the subject of a place. nil if there are none.
  private var deadLetters: String? {
    switch (expected.deadLetteredCount, expected.failedCount) {
    case (0, _): nil
    case (1, 1): "its dead letter is"
    case (let count, let failed) where count == failed: "their dead letters are"
    case (1, _): "the dead letter of one of them is"
    case (let count, _): "the dead letters of \(count) of them are"
    }
  }

  /// The items with their ids, by which `dead` finds them. Only the first ones are named.
  private var list: String {
    let shown = expected.failures.map { failure in
      let id = failure.id.map { ", id \($0)" } ?? ""
      return "item \(failure.number) (\(failure.status.map { "status \($0)" } ?? "without a status")\(id))"
    }
    return shown.joined(separator: ", ") + (expected.failedCount > shown.count ? ", ..." : "")
  }
}

extension [Int] {
  /// Items by their numbers: `items 1, 2`. Only the first ten are named.
  var itemList: String {
    let shown = prefix(10).map { "\($0)" }.joined(separator: ", ")
    return "item\(count == 1 ? "" : "s") \(shown)" + (count > 10 ? ", ..." : "")
  }
}
