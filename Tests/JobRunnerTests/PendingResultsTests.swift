import AMQP
import Broker
import Linux
import Publishing
import Testing

@testable import JobRunner

@Suite struct PendingResultsTests {
  private let now = ContinuousClock.now
  private let end = RunnerEvent.workerEnded(.exited(0), slot: 2)
  private let id = PendingResults.id(slot: 2)

  private func pending(_ status: ProcessStatus = .exited(0), before end: RunnerEvent? = nil) throws -> PendingResults {
    var driver = RunnerDriver {
      $0.results = ResultOptions(.queue("out"), on: .all, maxSize: 100)
      $0.attempts.maxAttempts = 1
    }
    driver.consume(hasRetries: true)
    driver.deliver()
    var results = PendingResults()
    let result = try #require(driver.result(before: .workerEnded(status)))
    results.add(result, size: 7, before: end ?? .workerEnded(status, slot: 2), slot: 2, now: now)
    return results
  }

  @Test("Only the ids of results are those of results")
  func ids() {
    #expect(PendingResults.isResult(id) && !PendingResults.isResult(2) && !PendingResults.isResult(-1))
  }

  @Test("The worker's end follows when the result is confirmed, and only once")
  func confirmed() throws {
    var results = try pending()
    #expect(results.take(.confirmed(id), now: now) == .published(size: 7, before: end))
    #expect(results.take(.confirmed(id), now: now) == nil && results.deadline == nil)
  }

  @Test("A result that is refused makes a success a failure")
  func refused() throws {
    var results = try pending()
    #expect(
      results.take(.refused(id, .unroutable), now: now)
        == .refused(reason: "queue 'out': no queue is there for it", slot: 2))
  }

  @Test("A failure whose result is refused is still that failure")
  func refusedFailure() throws {
    var results = try pending(.exited(3))
    #expect(results.take(.failed(id, reason: "gone"), now: now) == .over(.workerEnded(.exited(3), slot: 2)))
  }

  @Test("A result that is refused is not refused again for the failure that it makes of its job")
  func refusedAgain() throws {
    let end = RunnerEvent.resultRefused(reason: "gone", slot: 2)
    var results = try pending(.exited(3), before: end)
    #expect(results.take(.refused(id, .unroutable), now: now) == .over(end))
  }

  @Test("A result that is not confirmed in time is refused")
  func late() throws {
    var results = try pending()
    #expect(results.deadline == now + .seconds(30) && results.takeLate(now: now + .seconds(29)).isEmpty)
    #expect(results.takeLate(now: now + .seconds(30)).map(\.slot) == [2] && results.deadline == nil)
  }

  @Test("An item waits less long for a result that only says that there is none")
  func shortLimits() throws {
    for (end, limit) in [(RunnerEvent.moveConfirmed(slot: 2), 3), (.resultRefused(reason: "gone", slot: 2), 5)] {
      var results = try pending(.exited(3), before: end)
      #expect(results.takeLate(now: now + .seconds(limit)).map(\.outcome) == [.over(end)])
    }
  }

  @Test("A part that the broker has taken gives the next one its time")
  func advanced() throws {
    var results = try pending()
    #expect(results.take(.advanced(id), now: now + .seconds(20)) == nil && results.deadline == now + .seconds(50))
  }

  @Test("While the broker takes nothing, no result is late, even one that comes then")
  func blocked() throws {
    var results = try pending()
    results.blocked(true, now: now)
    #expect(results.deadline == nil)
    let other = try #require(
      { () -> JobResult? in
        var driver = RunnerDriver { $0.results = ResultOptions(.queue("out"), on: .all, maxSize: 1) }
        driver.work()
        return driver.result(before: .workerEnded(.exited(0)))
      }())
    results.add(other, size: 7, before: end, slot: 3, now: now)
    #expect(results.deadline == nil)
    results.blocked(false, now: now + .seconds(99))
    #expect(results.deadline == now + .seconds(129))
  }

  @Test("A worker that is told to end leaves its result a moment")
  func hurried() throws {
    var results = try pending()
    results.hurry(slot: 2, now: now)
    #expect(results.deadline == now + .seconds(5))
    results.hurry(slot: 2, now: now + .seconds(1))
    #expect(results.deadline == now + .seconds(5))
  }

  @Test("A result that is dropped has no event")
  func dropped() throws {
    var results = try pending()
    #expect(results.remove(slot: 2) && !results.remove(slot: 2))
    #expect(results.take(.confirmed(id), now: now) == nil)
  }
}
