import AMQP
import Console
import JobRunner
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
    "A word of other programs leads to the action that is meant",
    arguments: [
      ("ls", "list"), ("lst", "list"), ("cat", "show"), ("retry", "replay"), ("requeue", "replay"), ("rm", "purge"),
      ("delete", "purge"),
    ])
  func synonyms(word: String, meant: String) throws {
    #expect(
      try usageError { _ = try action(word, "q") }
        == "ACTION is list, show, replay or purge, not '\(word)': did you mean '\(meant)'?")
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

  private func absence(_ verdict: QueueInspection.Verdict) -> Failure {
    MissingDeadQueue(beside: WorkQueue("q"), verdict).failure(WorkQueue("q"), place)
  }

  @Test("A queue that stands alone is advised to be removed and made anew, with 66") func plainQueue() {
    for verdict in [QueueInspection.Verdict.known(.plain(.quorum), .absent), .transient([.notDurable])] {
      let failure = absence(verdict)
      #expect(failure.status == .noQueue)
      #expect(
        failure.text
          == "there is no queue 'q.dead' at h beside queue 'q', which stands alone, so its failed items go back to it; "
          + "to have retries and dead letters, remove that queue ('amqp-job declare q --delete --if-empty') and make it anew "
          + "('amqp-job declare q')")
    }
  }

  @Test(
    "A queue with dead letters elsewhere is told where they go",
    arguments: [
      (DeadLetterTarget(exchange: "dlx"), "to exchange 'dlx', and from there"),
      (
        DeadLetterTarget(exchange: "dlx", routingKey: "k"), "to exchange 'dlx' with the routing key 'k', and from there"
      ),
      (DeadLetterTarget(exchange: "", routingKey: "bin"), "to queue 'bin' ('amqp-job run -q bin' takes them)"),
      (DeadLetterTarget(exchange: "", routingKey: "p.dead"), "to queue 'p.dead' ('amqp-job dead list p' shows them)"),
      (DeadLetterTarget(exchange: ""), "to the queues that their routing keys name"),
      (nil, "to an exchange of its own"),
    ])
  func elsewhere(target: DeadLetterTarget?, way: String) {
    let text = absence(.known(.deadLettering(target), .unknown)).text
    #expect(text.contains("beside queue 'q', whose dead letters go \(way)"))
    #expect(text.contains("'run --max-attempts'") && !text.contains("declare"))
  }

  @Test("A dead-letter queue that was deleted is advised to be declared again") func deletedDeadQueue() {
    let verdict = QueueInspection.Verdict.known(.deadLettering(.init(exchange: "", routingKey: "q.dead")), .absent)
    #expect(absence(verdict).text.contains("somebody deleted it"))
    #expect(absence(verdict).text.hasSuffix("; 'amqp-job declare q', with the options that made it, makes it anew"))
  }

  @Test("What the user may not see is not guessed") func unknownQueue() {
    let text = absence(.unknowable("")).text
    #expect(text.contains("if that queue stands alone") && text.contains("if it has a dead-letter exchange"))
    #expect(absence(.unsupported("it is a stream")).text.hasSuffix("which amqp-job does not serve: it is a stream"))
  }

  @Test("A user who names the dead-letter queue itself is told the queue to name") func deadQueueItself() throws {
    let related = Dead.refusal(ofRelated: WorkQueue("q.dead"), "queue 'q.dead.dead' at h", .replay)
    let failure = try #require(related)
    #expect(failure.status == .noQueue)
    #expect(failure.text.contains("'amqp-job dead replay q' for those in 'q.dead'"))
    #expect(Dead.refusal(ofRelated: WorkQueue("q"), place, .replay) == nil)
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
    #expect(failure.text == "no item in queue 'q.dead' at h is at the positions 4, 5; 1 item moved")
  }

  @Test(
    "The first ten missing positions are named, in order",
    arguments: [
      ([8...8, 5...5, 20...20], "positions 5, 8, 20"), ([3...3], "position 3"), ([2...4, 3...5], "positions 3, 4, 5"),
      ([9...Int.max], "positions 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, ..."),
      ([Int.max...Int.max], "position \(Int.max)"),
    ])
  func missingPositions(positions: [ClosedRange<Int>], named: String) throws {
    let selection = selection(positions: positions)
    _ = (selection.contains(delivery(1)), selection.contains(delivery(2)))
    #expect(try #require(selection.failure(in: place)).text.hasSuffix("is at the \(named)"))
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
