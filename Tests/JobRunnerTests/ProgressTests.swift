import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

/// Telling how far a runner has come.
@Suite struct ProgressTests {
  private static let period: Duration = .seconds(1)
  private static let depthChannel: UInt16 = 4

  private func driver(_ extent: JobOptions.Extent) -> RunnerDriver {
    RunnerDriver {
      $0.extent = extent
      $0.report.progressPeriod = Self.period
    }
  }

  private func shown(_ actions: [RunnerAction]) -> [WorkDone] {
    actions.compactMap { if case .progress(let work) = $0 { work } else { nil } }
  }

  private func count(_ messages: UInt32, _ queue: String = "q") -> AMQP.Method {
    .queueDeclareOK(.init(name: ByteString(queue), messageCount: messages, consumerCount: 1))
  }

  @Test("What is left of a number of items is known without the broker") func aNumberIsKnown() {
    var driver = driver(.count(3))
    driver.work()
    let actions = driver.handle(.timer(.progress))
    #expect(shown(actions) == [WorkDone(done: 0, failed: 0, left: 3)] && actions.writes.isEmpty)
    #expect(actions.sets(.progress, after: Self.period))
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver()
    driver.handle(.workerEnded(.exited(3)))
    #expect(shown(driver.handle(.timer(.progress))) == [WorkDone(done: 1, failed: 1, left: 1)])
  }

  @Test("What is left until the queue is drained is its depth, with the retry queue and what is in hand")
  func theDepthIsAskedFor() {
    var driver = driver(.drain)
    driver.consume(hasRetries: true)
    driver.deliver()
    let asked = driver.handle(.timer(.progress))
    #expect(
      asked.writes == [
        [
          .channelOpen, .queueDeclare(.init(name: "q", isPassive: true)),
          .queueDeclare(.init(name: "q.retry", isPassive: true)),
        ]
      ])
    #expect(shown(asked).isEmpty, "nothing is shown before the answer")
    #expect(driver.handle(.timer(.progress)).writes.isEmpty, "nor asked twice")
    #expect(driver.method(count(5), on: Self.depthChannel).isEmpty, "half an answer")
    let answered = driver.method(count(2, "q.retry"), on: Self.depthChannel)
    #expect(shown(answered) == [WorkDone(done: 0, failed: 0, left: 8)] && answered.sets(.progress, after: Self.period))
    #expect(driver.handle(.timer(.progress)).writes.map(\.count) == [2])
  }

  @Test("What is done and what is left are of one moment") func ofOneMoment() {
    var driver = driver(.drain)
    driver.consume()
    driver.deliver()
    driver.handle(.timer(.progress))
    #expect(shown(driver.method(count(1), on: Self.depthChannel)) == [WorkDone(done: 0, failed: 0, left: 2)])
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver()
    #expect(shown(driver.handle(.timer(.progress))).isEmpty, "the depth that is known is an old one")
    #expect(shown(driver.method(count(0), on: Self.depthChannel)) == [WorkDone(done: 1, failed: 0, left: 1)])
  }

  @Test("Nothing is left of a queue that is drained") func theEnd() {
    var driver = driver(.count(1))
    driver.work()
    let end = driver.handle(.workerEnded(.exited(0))) + driver.settle()
    #expect(shown(end) == [WorkDone(done: 1, failed: 0, left: 0)])
  }

  @Test("A refusal is not asked about again, and leaves the items alone") func aRefusal() {
    var driver = driver(.drain)
    driver.work()
    driver.handle(.timer(.progress))
    let refusal = CloseReason(code: .accessRefused, text: "ACCESS_REFUSED")
    #expect(driver.method(.channelClose(refusal), on: Self.depthChannel).isEmpty)
    let actions = driver.handle(.timer(.progress))
    #expect(shown(actions) == [WorkDone(done: 0, failed: 0, left: nil)])
    #expect(!actions.writes.flatMap(\.self).contains { if case .queueDeclare = $0 { true } else { false } })
    #expect(!driver.handle(.workerEnded(.exited(0))).writes.isEmpty)
  }

  @Test("A new connection is asked anew") func aNewConnection() {
    var driver = driver(.drain)
    driver.consume()
    #expect(driver.handle(.timer(.progress)).writes.map(\.count) == [2])
    driver.handle(RunnerDriver.lost())
    #expect(driver.handle(.timer(.progress)).writes.isEmpty)
    driver.reconnect()
    #expect(driver.handle(.timer(.progress)).writes.map(\.count) == [2])
  }

  @Test("Without it, no timer runs and nothing is asked") func without() {
    var driver = RunnerDriver { $0.extent = .drain }
    #expect(driver.start().delay(of: .progress) == nil)
    #expect(driver.handle(.timer(.progress)).isEmpty)
  }
}
