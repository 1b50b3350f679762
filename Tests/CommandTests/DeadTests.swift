import AMQP
import Console
import Testing

@testable import Broker
@testable import amqp_job

@Suite("What dead decides") struct DeadTests {
  private let place = "queue 'q.dead' at h"

  // MARK: Options

  private func action(_ words: String...) throws -> Dead.Action {
    try Dead.Action(words[0], try settings(Dead.self, words))
  }

  @Test("Each action is known by its name", arguments: Dead.Action.allCases) func names(action: Dead.Action) throws {
    #expect(try self.action(action.rawValue, "q") == action)
  }

  @Test("A word that is no action is answered with those that there are") func noAction() throws {
    #expect(
      try usageError { _ = try action("move", "q") } == "ACTION is list, show, replay or purge, not 'move'")
  }

  @Test(
    "An option that does not go with the action is refused",
    arguments: [
      (["list", "q", "--dry-run"], "--dry-run does not go with list"),
      (["show", "q", "--limit", "1"], "--limit does not go with show"),
      (["replay", "q", "--json"], "--json does not go with replay"),
      (["purge", "q", "--limit", "1"], "--limit does not go with purge"),
    ])
  func foreignOptions(words: [String], error: String) throws {
    #expect(try usageError { _ = try Dead.Action(words[0], try settings(Dead.self, words)) } == error)
  }

  // MARK: The dead-letter queue

  @Test("A queue without a dead-letter queue is advised to be declared, with 66") func noQueue() {
    let failure = Dead.noDeadLetterQueue(WorkQueue("q"), place, .list, isQueueThere: false)
    #expect(failure.status == .noQueue)
    #expect(failure.text == "there is no queue 'q.dead' at h; 'amqp-job declare q' makes it")
    let beside = Dead.noDeadLetterQueue(WorkQueue("q"), place, .list, isQueueThere: true)
    #expect(
      beside.text.hasPrefix("there is no queue 'q.dead' at h beside queue 'q': only 'amqp-job declare' makes one"))
  }

  @Test("A user who names the dead-letter queue itself is told the queue to name") func deadQueueItself() {
    let failure = Dead.noDeadLetterQueue(WorkQueue("q.dead"), "queue 'q.dead.dead' at h", .replay, isQueueThere: false)
    #expect(failure.status == .noQueue)
    #expect(failure.text.contains("'amqp-job dead replay q' for those in 'q.dead'"))
  }

  @Test("A queue that may drop what is looked at is not read, with 78") func limitedReturns() throws {
    let limited = DeadQueueProperties(returns: .limited, lastingKind: .quorum)
    let failure = try #require(throws: Failure.self) { _ = try Dead.readingMethod(limited, place) }
    #expect(failure.status == .wrongQueue)
    #expect(failure.text.hasPrefix("queue 'q.dead' at h was not made by 'amqp-job declare'"))
  }

  @Test("A queue about which the user may not ask is not read, with 77") func unknownReturns() throws {
    let reason = CloseReason(code: .accessRefused, text: "ACCESS_REFUSED - no")
    let unknown = DeadQueueProperties(returns: .unknown(reason), lastingKind: nil)
    let failure = try #require(throws: Failure.self) { _ = try Dead.readingMethod(unknown, place) }
    #expect(failure.status == .notPermitted)
    #expect(failure.text.contains("ACCESS_REFUSED - no; grant the user the configure permission"))
  }

  @Test("A queue that drops nothing is read by consumers if it is known to last, else by gets") func methods() throws {
    let lasting = DeadQueueProperties(returns: .unlimited, lastingKind: .quorum)
    #expect(try Dead.readingMethod(lasting, place) == .consumers(.quorum))
    let unknown = DeadQueueProperties(returns: .unlimited, lastingKind: nil)
    #expect(try Dead.readingMethod(unknown, place) == .gets(atOnce: 32))
  }

  // MARK: Selection

  private func delivery(_ tag: UInt64, id: ByteString? = nil) -> Delivery {
    var properties = BasicProperties()
    properties.messageID = id
    let envelope = Envelope(
      consumerTag: "", deliveryTag: tag, isRedelivered: false, exchange: "", routingKey: "q.dead")
    return Delivery(envelope: envelope, properties: properties, body: [])
  }

  private func selection(ids: Set<String> = [], positions: [ClosedRange<Int>] = []) -> DeadSelection {
    var filter = DeadLetterFilter()
    filter.ids = ids
    filter.positions = Positions(positions)
    return DeadSelection(filter)
  }

  @Test("Without a filter every item is selected, and none is missing") func everything() {
    let selection = selection()
    #expect(selection.contains(delivery(1)))
    #expect(!selection.isPast)
    #expect(selection.failure(in: place) == nil)
  }

  @Test("An item keeps its position, however often it is looked at") func positions() {
    let selection = selection(positions: [2...2])
    #expect(!selection.contains(delivery(10)))
    #expect(!selection.contains(delivery(10)))
    #expect(selection.contains(delivery(11)))
    #expect(selection.position(of: delivery(11)) == 2)
    #expect(selection.isPast)
    #expect(selection.failure(in: place) == nil)
  }

  @Test("A position beyond the end of the queue is reported with 1") func positionBeyond() throws {
    let selection = selection(positions: [1...1, 4...5])
    #expect(selection.contains(delivery(1)))
    let failure = try #require(selection.failure(in: place, "1 item moved"))
    #expect(failure.status == .failure)
    #expect(failure.text == "no item in queue 'q.dead' at h is at the position 5; 1 item moved")
  }

  @Test("Each id that no item has is reported with 1") func missingIDs() throws {
    let selection = selection(ids: ["a", "b", "c"])
    #expect(selection.contains(delivery(1, id: "b")))
    #expect(!selection.contains(delivery(2)))
    let failure = try #require(selection.failure(in: place))
    #expect(failure.status == .failure)
    #expect(failure.text == "no item in queue 'q.dead' at h has the id 'a', 'c'")
  }
}
