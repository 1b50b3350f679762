import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// What the runner reports while it waits, and when.
@Suite struct WaitingTests {
  private func notices(_ actions: [RunnerAction]) -> [String] {
    actions.compactMap {
      if case .log(let entry) = $0, entry.level >= .notice { entry.message.text(for: .amqpJob) } else { nil }
    }
  }

  @Test("Only the first failed attempt to connect is reported, at once")
  func theFirstFailedAttemptIsALineAtOnceAndTheOthersAreNone() {
    var driver = RunnerDriver()
    _ = driver.start()
    let line = "cannot reach the broker at broker:5672: gone; trying for 60s"
    #expect(notices(driver.handle(RunnerDriver.lost(.unreachable))) == [line])
    driver.handle(.timer(.retry))
    #expect(notices(driver.handle(RunnerDriver.lost(.unreachable))).isEmpty)
  }

  @Test("All of several brokers are tried before a failed attempt is reported")
  func ofSeveralBrokersAllAreTriedFirst() {
    var driver = RunnerDriver { $0.brokers = [RunnerDriver.broker, RunnerDriver.broker] }
    _ = driver.start()
    #expect(notices(driver.handle(RunnerDriver.lost(.unreachable))).isEmpty)
    driver.handle(.timer(.retry))
    #expect(notices(driver.handle(RunnerDriver.lost(.unreachable))).count == 1)
  }

  @Test("A failed attempt is not reported if the end follows at once") func nothingIsSaidWhereTheEndFollowsAtOnce() {
    var driver = RunnerDriver { $0.connection.connectTimeout = .seconds(3) }
    _ = driver.start()
    #expect(notices(driver.handle(RunnerDriver.lost(.unreachable))).isEmpty)
  }

  @Test("A lost connection that cannot be made again is reported once")
  func aReconnectThatFailsHasTheLineOfTheLossAlone() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume()
    driver.now += .seconds(100)
    #expect(notices(driver.handle(RunnerDriver.lost())).count == 1)
    #expect(notices(driver.handle(RunnerDriver.lost(.unreachable))).isEmpty)
  }

  @Test("A user who watches is told after a second, and then once a minute")
  func whoLooksOnIsToldAfterASecondAndThenOnceAMinute() {
    var driver = RunnerDriver { $0.report.isWatched = true }
    #expect(driver.start().sets(.report, after: .seconds(1)))
    driver.handle(.connected(nil))
    driver.inspect()
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    var lines: [String] = []
    for _ in 1...62 {
      driver.now += .seconds(1)
      lines += notices(driver.handle(.timer(.report)))
    }
    let line = "waiting for an item in queue 'q' at broker:5672"
    #expect(lines == [line, "\(line) (1 min)"])
  }

  @Test("A user who watches is told of a silent broker") func whoLooksOnIsToldOfASilentBroker() {
    var driver = RunnerDriver { $0.report.isWatched = true }
    _ = driver.start()
    driver.now += .seconds(1)
    let line = "waiting for an answer from the broker at broker:5672"
    #expect(notices(driver.handle(.timer(.report))) == [line])
  }

  @Test("Items that come now and then make no line each") func itemsThatComeNowAndThenMakeNoLineEach() {
    var driver = RunnerDriver { ($0.report.isWatched, $0.extent) = (true, .forever) }
    driver.consume()
    var lines: [String] = []
    for _ in 1...10 {
      driver.now += .seconds(3)
      lines += notices(driver.handle(.timer(.report)))
      driver.deliver()
      driver.handle(.workerEnded(.exited(0)))
    }
    #expect(lines.count == 1)
  }

  @Test("A wait that follows an outage is reported") func aWaitThatFollowsAnOutageIsTold() {
    var driver = RunnerDriver { ($0.extent, $0.worker.onDisconnect) = (.forever, .finish) }
    driver.consume()
    var named = BasicProperties()
    named.messageID = "a"
    driver.deliver(named, digest: 1)
    driver.handle(RunnerDriver.lost())
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(RunnerDriver.lost(.unreachable))
    driver.handle(.timer(.report))
    driver.now += .seconds(60)
    let lines = notices(driver.handle(.timer(.report)))
    #expect(lines == ["cannot reach the broker at broker:5672: gone; still trying (1 min)"])
  }
}
