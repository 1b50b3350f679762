import AMQP
import Broker
import Console
import Testing

@testable import JobRunner

@Suite("Queues that a runner does not serve") struct UnservedQueueTests {
  private func line(_ verdict: QueueInspection.Verdict) -> String? {
    UnservedQueue(verdict, place: "queue 'q'", acceptance: "; accept it")?.line.text(for: .amqpJob)
  }

  @Test("A queue that may be lost can be accepted, a stream cannot")
  func acceptance() {
    #expect(line(.transient(.notDurable)) == "cannot serve queue 'q': it is not durable; accept it")
    #expect(line(.transient(.exclusive)) == "cannot serve queue 'q': it belongs to one connection")
    #expect(line(.unsupported("it is a stream")) == "cannot serve queue 'q': it is a stream")
  }

  @Test("A verdict that is not about the queue is no reason")
  func others() {
    #expect(line(.known(.declared, .absent)) == nil)
    #expect(line(.unknowable("no permission")) == nil)
  }

  @Test(
    "Options that need a retry or a dead-letter queue do not suit every queue",
    arguments: [
      (.declared, true, true, true), (.plain(.quorum), true, false, false), (.plain(nil), false, false, true),
      (.deadLettering(.init(exchange: "x")), true, false, true),
      (.deadLettering(.init(exchange: "x")), true, true, false),
    ] as [(QueueTopology, Bool, Bool, Bool)])
  func attempts(standing: QueueTopology, areRequired: Bool, needRetryQueue: Bool, suits: Bool) {
    var options = AttemptOptions()
    options.areRequired = areRequired
    options.needRetryQueue = needRetryQueue
    let unserved = UnservedQueue(options, on: standing, queue: WorkQueue("q"), place: "queue 'q'")
    #expect((unserved == nil) == suits)
    #expect(unserved?.status ?? .wrongQueue == .wrongQueue)
  }
}
