import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

/// Runs with `--on-disconnect finish`.
@Suite struct ReturningTests {
  private var properties: BasicProperties {
    var properties = BasicProperties()
    properties.messageID = "id"
    return properties
  }

  /// A worker runs, and the connection was lost and made again.
  private func away(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.worker.onDisconnect = .finish
      configure(&$0)
    }
    driver.consume()
    driver.deliver(properties, digest: 7)
    let lost = driver.handle(RunnerDriver.lost())
    #expect(lost.signals.isEmpty && lost.errors.isEmpty)
    // The only slot has a worker, so nothing is consumed.
    #expect(driver.reconnect().writes.isEmpty)
    return driver
  }

  @Test("A done item that comes back is acked without being run again")
  func whatComesBackIsAckedWithoutRunningItAgain() {
    var driver = away()
    let actions = driver.handle(.workerEnded(.exited(0)))
    #expect(actions.sets(.finishWindow, after: .seconds(60)))
    #expect(
      actions.writes.last?.last
        == .basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0)))
    let settled = driver.deliver(properties, isRedelivered: true, digest: 7)
    #expect(!settled.startsWorker)
    #expect(
      settled.writes == [
        [.basicCancel(consumerTag: "amqp-job-2"), .basicAck(deliveryTag: 2, multiple: false), channelClose]
      ])
    #expect(driver.settle().finished == .success)
  }

  @Test(
    "Another item than the done one is put back", arguments: [(true, 8, "id"), (false, 7, "id"), (true, 7, "other")])
  func anotherItemIsPutBackAndNothingIsClaimed(isRedelivered: Bool, digest: Int, id: String) {
    var driver = away()
    driver.handle(.workerEnded(.exited(0)))
    var other = properties
    other.messageID = ByteString(id)
    let actions = driver.deliver(other, isRedelivered: isRedelivered, digest: digest)
    #expect(!actions.startsWorker && actions.moves.count == 1 && actions.errors.count == 1)
    driver.handle(.moveConfirmed(slot: 0))
    #expect(driver.settle().finished == .temporaryFailure)
  }

  @Test("A worker that ends during a login still gets its item back")
  func aWorkerThatEndsAmidALoginGetsAChannelOfItsOwnToo() {
    var driver = RunnerDriver { $0.worker.onDisconnect = .finish }
    driver.consume()
    driver.deliver(properties, digest: 7)
    driver.handle(RunnerDriver.lost())
    driver.handle(.timer(.retry))
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.reconnect().writes.last?.first == .channelOpen)
  }

  @Test("Another item than the done one is run if more are wanted") func anotherItemIsRunWhereMoreAreWanted() {
    var driver = away { $0.extent = .count(2) }
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.deliver(digest: 1).startsWorker)
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.finished == nil)
    let settled = driver.deliver(properties, isRedelivered: true, digest: 7)
    #expect(!settled.startsWorker)
    #expect(driver.settle().finished == .success)
  }

  @Test("A done item that comes back is acked without a run only once") func onceOnly() {
    var driver = away { $0.extent = .count(3) }
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver(properties, isRedelivered: true, digest: 7)
    #expect(driver.deliver(properties, isRedelivered: true, digest: 7).startsWorker)
  }

  @Test("A done item that does not come back may be run again") func whatDoesNotComeBackMayBeRunAgain() {
    var driver = away()
    driver.handle(.workerEnded(.exited(0)))
    let actions = driver.handle(.timer(.finishWindow))
    #expect(actions.errors.count == 1)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-2"))
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("An item without an id cannot be recognised") func withoutAnIdNothingCanBeRecognised() {
    var driver = RunnerDriver { $0.worker.onDisconnect = .finish }
    driver.consume()
    driver.deliver(digest: 7)
    driver.handle(RunnerDriver.lost())
    #expect(driver.handle(.workerEnded(.exited(0))).finished == .temporaryFailure)
  }

  /// Two workers run, the connection was lost and made again, and the first worker is done.
  private func twoAway(_ status: ProcessStatus = .exited(0)) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.worker.onDisconnect = .finish
      $0.extent = .count(2)
      $0.parallelism = 2
    }
    driver.consume()
    driver.deliver(properties, digest: 7, slot: 0)
    driver.deliver(properties, digest: 8, slot: 1)
    driver.handle(RunnerDriver.lost())
    driver.reconnect()
    driver.handle(.workerEnded(status, slot: 0))
    return driver
  }

  @Test("An item whose worker still runs is not run beside it") func anItemWhoseWorkerStillRunsIsNotRunBesideIt() {
    var driver = twoAway()
    #expect(!driver.deliver(properties, isRedelivered: true, digest: 8, slot: 0).startsWorker)
    let settled = driver.handle(.workerEnded(.exited(0), slot: 1))
    #expect(settled.writes == [[.basicAck(deliveryTag: 3, multiple: false)]])
    driver.deliver(properties, isRedelivered: true, digest: 7, slot: 0)
    driver.method(.channelCloseOK, on: 1)
    #expect(driver.finished == .success)
  }

  @Test("Two items that are alike are held for a worker each") func twoItemsThatAreAlikeAreHeldForAWorkerEach() {
    var driver = RunnerDriver {
      $0.worker.onDisconnect = .finish
      $0.extent = .forever
      $0.parallelism = 4
    }
    driver.consume()
    for slot in 0...1 { driver.deliver(properties, digest: 7, slot: slot) }
    driver.handle(RunnerDriver.lost())
    driver.reconnect()
    for slot in 2...3 { driver.deliver(properties, isRedelivered: true, digest: 7, slot: slot) }
    for slot in 0...1 { driver.handle(.workerEnded(.exited(0), slot: slot)) }
    #expect(driver.runner.slots.allSatisfy { $0.state == .consuming } && driver.runner.returning.isEmpty)
  }

  @Test("A failure of an item that came back gives it back") func ofAnItemThatIsHeldAFailureIsOurs() {
    var driver = twoAway()
    driver.deliver(properties, isRedelivered: true, digest: 8, slot: 0)
    let settled = driver.handle(.workerEnded(.exited(3), slot: 1))
    #expect(settled.writes == [[.basicReject(deliveryTag: 3, requeue: true)]])
  }

  @Test("An item that came back can be lost again") func anItemThatIsHeldCanBeLostAgain() {
    var driver = twoAway()
    driver.deliver(properties, isRedelivered: true, digest: 8, slot: 0)
    driver.handle(RunnerDriver.lost())
    driver.reconnect()
    driver.handle(.workerEnded(.exited(0), slot: 1))
    #expect(driver.runner.returning.count == 2 && driver.finished == nil)
  }

  @Test("A failure of an item that did not come back changes nothing") func aFailureIsTheBrokersAlready() {
    var driver = away()
    let actions = driver.handle(.workerEnded(.exited(3)))
    #expect(actions.writes.isEmpty && actions.finished?.rawValue == 3)
  }

  @Test("The time for a done item to come back begins anew with each connection")
  func itsTimeBeginsAnewWithTheConnection() {
    var driver = away()
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(RunnerDriver.lost())
    #expect(driver.reconnect().sets(.finishWindow, after: .seconds(60)))
  }

  @Test("Workers may finish however long the broker is away") func workersAreWaitedForHoweverLongTheBrokerIsAway() {
    var driver = RunnerDriver { $0.worker.onDisconnect = .finish }
    driver.consume()
    driver.deliver(properties, digest: 7)
    driver.handle(RunnerDriver.lost())
    #expect(driver.handle(.timer(.connectLimit)).finished == nil)
  }
}
