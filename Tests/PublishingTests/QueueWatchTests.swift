import AMQP
import Testing

@testable import Publishing

@Suite("Whether the queue of the items still exists") struct QueueWatchTests {
  private static let question = Method.queueDeclare(.init(name: "q", isPassive: true))
  private static let found = Method.queueDeclareOK(.init(name: "q", messageCount: 0, consumerCount: 0))

  private let start = ContinuousClock.now

  private func closed(_ code: ReplyCode, _ text: String) -> AMQP.Method {
    .channelClose(CloseReason(code: code, text: text))
  }

  @Test("The broker is asked when nothing has come for a while, and again after its answer") func pauses() {
    var watch = QueueWatch(Self.question, now: start)
    watch.heard(now: start + .seconds(3))
    #expect(watch.deadline == start + .seconds(3) + QueueWatch.period)
    let first = watch.ask()
    #expect(first == [.channelOpen, Self.question])
    #expect(watch.deadline == nil)
    let gone = watch.take(Self.found, now: start + .seconds(20))
    #expect(!gone && watch.deadline == start + .seconds(20) + QueueWatch.period)
    let second = watch.ask()
    #expect(second == [Self.question])
  }

  @Test("A queue that does not exist any more is gone") func gone() {
    var watch = QueueWatch(Self.question, now: start)
    _ = watch.ask()
    let gone = watch.take(closed(.notFound, "NOT_FOUND - no queue 'q' in vhost '/'"), now: start)
    #expect(gone)
  }

  @Test("A queue whose node is down may come back, and is asked for on a new channel") func nodeIsDown() {
    var watch = QueueWatch(Self.question, now: start)
    _ = watch.ask()
    let reason = "NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible"
    let gone = watch.take(closed(.notFound, reason), now: start)
    #expect(!gone && watch.deadline == start + QueueWatch.period)
    let methods = watch.ask()
    #expect(methods == [.channelOpen, Self.question])
  }

  @Test("A user who may not ask is not told anything, and is not refused again") func notPermitted() {
    var watch = QueueWatch(Self.question, now: start)
    _ = watch.ask()
    let gone = watch.take(closed(.accessRefused, "ACCESS_REFUSED - access to queue 'q' refused"), now: start)
    #expect(!gone && watch.deadline == nil)
  }

  @Test("On a new connection nothing is asked yet") func reconnected() {
    var watch = QueueWatch(Self.question, now: start)
    _ = watch.ask()
    watch.connected(now: start + .seconds(5))
    #expect(watch.deadline == start + .seconds(5) + QueueWatch.period)
    let methods = watch.ask()
    #expect(methods == [.channelOpen, Self.question])
  }
}
