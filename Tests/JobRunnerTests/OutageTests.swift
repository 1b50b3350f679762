import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct OutageTests {
  private static let consuming = Method.basicConsumeOK(consumerTag: "amqp-job-1")

  @Test("A connection that is lost at once is made again with growing pauses, but not without end")
  func whatIsLostAtOnceIsConnectedToWithGrowingPausesAndNotForEver() {
    var driver = RunnerDriver()
    driver.consume()
    let expected: [(pause: Duration, left: Duration)] = [
      (.milliseconds(250), .seconds(59)), (.milliseconds(500), .seconds(58)), (.seconds(1), .seconds(57)),
    ]
    for (pause, left) in expected {
      driver.now += .seconds(1)
      let actions = driver.handle(RunnerDriver.lost())
      #expect(actions.sets(.retry, after: pause) && actions.sets(.connectLimit, after: left))
      driver.handle(.timer(.retry))
      driver.reconnect()
      // A consumer alone does not prove the connection.
      #expect(driver.method(Self.consuming).contains(.cancel(.connectLimit)))
    }
    driver.now += .seconds(57)
    // By now the connection has lasted long enough.
    #expect(driver.handle(RunnerDriver.lost()).sets(.connectLimit, after: .seconds(60)))
  }

  @Test("Losses in a row end the runner") func lossesInARowEndIt() {
    var driver = RunnerDriver { $0.connection.connectTimeout = .seconds(5) }
    driver.consume()
    for _ in 1...2 {
      driver.now += .seconds(3)
      let actions = driver.handle(RunnerDriver.lost())
      guard !actions.sets(.connectLimit, after: .zero) else { break }
      driver.handle(.timer(.retry))
      driver.reconnect()
      driver.method(Self.consuming)
    }
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test("A runner with --forever that has served waits on") func whoHasServedForEverWaitsOn() {
    var driver = RunnerDriver {
      $0.extent = .forever
      $0.connection.connectTimeout = .seconds(5)
    }
    driver.consume()
    driver.now += .seconds(6)
    driver.handle(RunnerDriver.lost())
    for _ in 1...20 {
      driver.now += .seconds(5)
      #expect(driver.handle(.timer(.connectLimit)) == [.set(.connectLimit, after: .seconds(5))])
      #expect(driver.handle(RunnerDriver.lost(.unreachable)).delay(of: .retry) ?? .zero <= .seconds(5))
      driver.handle(.timer(.retry))
    }
    #expect(driver.finished == nil)
  }

  @Test("A runner with --forever that has never served does not wait on") func whoIsToServeForEverAndNeverHasDoesNot() {
    var driver = RunnerDriver { $0.extent = .forever }
    _ = driver.start()
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test("A silent connection of a runner with --forever is made again")
  func aSilentConnectionOfOneThatServesForEverIsMadeAnew() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume()
    driver.now += .seconds(60)
    let actions = driver.handle(.timer(.connectLimit))
    #expect(actions.contains(.disconnect) && driver.finished == nil)
  }

  @Test("A connection over which an item was settled ends the outage") func anItemThatIsSettledIsProof() {
    var driver = RunnerDriver { $0.extent = .count(3) }
    driver.work()
    driver.handle(.workerEnded(.exited(1)))
    let actions = driver.handle(RunnerDriver.lost())
    guard actions.contains(where: { if case .connect = $0 { true } else { false } }) else {
      Issue.record("it does not connect at once")
      return
    }
    #expect(actions.sets(.connectLimit, after: .seconds(60)))
  }

  @Test("A connection that lasted is made again at once") func oneThatHasLastedIsConnectedToAgainAtOnce() {
    var outage = Outage()
    let now = ContinuousClock.now
    outage.begin(now: now)
    outage.served(now: now + .seconds(1))
    #expect(outage.lost(now: now + .seconds(11), timeout: .seconds(60), jitter: 0) == .zero)
    #expect(outage.left(of: .seconds(60), now: now + .seconds(12)) == .seconds(59))
    #expect(outage.lost(now: now + .seconds(12), timeout: .seconds(60), jitter: 0) == .milliseconds(250))
  }
}
