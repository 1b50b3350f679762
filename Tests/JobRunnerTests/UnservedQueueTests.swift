import AMQP
import Broker
import Console
import Testing

@testable import JobRunner

@Suite("Queues that a runner does not serve") struct UnservedQueueTests {
  private func line(_ verdict: QueueInspection.Verdict) -> String? {
    UnservedQueue(verdict, place: "queue 'q'") { _ in "; accept it" }?.line.text(for: .amqpJob)
  }

  @Test("A queue that may be lost can be accepted, a stream cannot")
  func acceptance() {
    #expect(
      line(.transient([.notDurable]))
        == "cannot serve queue 'q': it is not durable, and its items are lost with it; accept it")
    #expect(
      line(.transient([.notDurable, .autoDelete]))
        == "cannot serve queue 'q': it is not durable, and deletes itself with its last consumer, and its items are lost with it; "
        + "accept it")
    #expect(line(.transient([.exclusive])) == "cannot serve queue 'q': it belongs to one connection")
    #expect(line(.unsupported("it is a stream")) == "cannot serve queue 'q': it is a stream")
  }

  @Test("A verdict that is not about the queue is no reason")
  func others() {
    #expect(line(.known(.declared, .absent)) == nil)
    #expect(line(.unknowable("no permission")) == nil)
  }

  private func lack(_ standing: QueueTopology, _ configure: (inout AttemptOptions) -> Void) -> String? {
    var options = AttemptOptions()
    configure(&options)
    return UnservedQueue(options, on: standing, queue: WorkQueue("q"), place: "queue 'q'")?.line.text(for: .amqpJob)
  }

  @Test("What a queue lacks for --keep-stderr and for --max-attempts has the same cure")
  func sameCure() throws {
    let kept = try #require(lack(.plain(.classic)) { $0.keepsStandardError = true })
    let counted = try #require(lack(.plain(.classic)) { $0.areRequired = true })
    let cure =
      "go without, or remove that queue ('amqp-job declare q --delete --if-empty') and make it anew ('amqp-job declare q')"
    let aged = try #require(lack(.plain(.classic)) { $0.maxAge = .seconds(1) })
    #expect(kept.hasSuffix(cure) && counted.hasSuffix(cure) && aged.hasSuffix("as --max-item-age needs them: \(cure)"))
    let target = QueueTopology.deadLettering(.init(exchange: "x"))
    #expect(
      lack(target) { $0.keepsStandardError = true }?.hasSuffix("give --max-attempts, too, or leave out --keep-stderr")
        == true)
    #expect(lack(target) { ($0.keepsStandardError, $0.areRequired) = (true, true) } == nil)
  }

  @Test("Nobody is told to remove a dead-letter queue")
  func deadLetterQueue() throws {
    var options = AttemptOptions()
    options.areRequired = true
    let unserved = UnservedQueue(options, on: .plain(.quorum), queue: WorkQueue("q.dead"), place: "queue 'q.dead'")
    let line = try #require(unserved?.line.text(for: .amqpJob))
    #expect(line.hasSuffix("('amqp-job dead replay q')") && !line.contains("remove"))
  }

  @Test("A dead-letter target that is not there is named with what to do about it")
  func missingTarget() {
    var options = AttemptOptions()
    func line(_ target: DeadLetterTarget) -> String {
      UnservedQueue(options, missing: target, of: WorkQueue("q"), place: "queue 'q'").line.text(for: .amqpJob)
    }
    options.areRequired = true
    #expect(line(.init(exchange: "x")).contains("exchange 'x', which is not there: no item could go there"))
    #expect(line(.init(exchange: "x")).hasSuffix("make that exchange, or leave out --max-attempts and --reject-on"))
    options.areRequired = false
    options.maxAge = .seconds(1)
    #expect(line(.init(exchange: "x")).hasSuffix("make that exchange, or leave out --max-item-age"))
    options.onFailure = .reject
    #expect(line(.init(exchange: "", routingKey: "d")).contains("queue 'd', which is not there: the broker would drop"))
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
