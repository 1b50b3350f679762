import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

/// Runs with `-j J`, `--drain` or `--forever`.
@Suite struct ParallelTests {
  private func serving(_ configure: (inout JobOptions) -> Void) -> RunnerDriver {
    var driver = RunnerDriver(configure)
    driver.consume()
    return driver
  }

  private func ended(_ driver: inout RunnerDriver, _ status: ProcessStatus, slot: Int) -> [AMQP.Method] {
    driver.handle(.workerEnded(status, slot: slot)).writes.flatMap(\.self)
  }

  @Test("A runner never takes more items than are still wanted") func neverMoreItemsThanAreStillWanted() {
    var driver = serving {
      $0.extent = .count(3)
      $0.parallelism = 2
    }
    #expect(driver.runner.slots.map(\.state) == [.consuming, .consuming])
    driver.deliver(slot: 0)
    driver.deliver(slot: 1)
    // Two items are taken. One slot gets the third item, and the other slot ends.
    #expect(ended(&driver, .exited(0), slot: 0) == [.basicAck(deliveryTag: 1, multiple: false)])
    #expect(
      ended(&driver, .exited(0), slot: 1) == [
        .basicCancel(consumerTag: "amqp-job-1"), .basicAck(deliveryTag: 2, multiple: false), channelClose,
      ])
    driver.method(.channelCloseOK, on: 2)
    #expect(driver.finished == nil)
    driver.deliver(slot: 0)
    #expect(ended(&driver, .exited(0), slot: 0).last == channelClose)
    driver.method(.channelCloseOK, on: 1)
    #expect(driver.finished == .success)
  }

  @Test("A runner opens no more slots than items") func moreSlotsThanItemsAreNotOpened() {
    let driver = serving {
      $0.extent = .count(2)
      $0.parallelism = 8
    }
    #expect(driver.runner.slots.count == 2)
  }

  @Test("A failure stops no other worker") func aFailureStopsNoOtherWorker() {
    var driver = serving {
      $0.extent = .count(2)
      $0.parallelism = 2
    }
    driver.deliver(slot: 0)
    driver.deliver(slot: 1)
    #expect(driver.handle(.workerEnded(.exited(1), slot: 0)).signals.isEmpty)
    driver.method(.channelCloseOK, on: 1)
    _ = ended(&driver, .exited(0), slot: 1)
    driver.method(.channelCloseOK, on: 2)
    #expect(driver.finished == .failure)
  }

  @Test("An item that the broker takes back stops its own worker and no other")
  func anItemThatIsTakenBackStopsItsOwnWorkerAndNoOther() {
    var driver = serving {
      $0.extent = .forever
      $0.parallelism = 2
    }
    driver.deliver(slot: 0)
    driver.deliver(slot: 1)
    let timedOut = Method.channelClose(CloseReason(code: .preconditionFailed, text: "timed out"))
    #expect(driver.method(timedOut, on: 1).contains(.signalWorker(.terminate, slot: 0)))
    driver.handle(.workerEnded(.exited(0), slot: 0))
    #expect(driver.finished == nil)
    #expect(ended(&driver, .exited(0), slot: 1).contains(.basicAck(deliveryTag: 2, multiple: false)))
    driver.method(.channelCloseOK, on: 2)
    #expect(driver.finished == .itemTakenBack)
  }

  @Test("TERM stops all workers and cancels idle consumers") func termStopsAllWorkersAndCancelsIdleConsumers() {
    var driver = serving {
      $0.extent = .drain
      $0.parallelism = 3
    }
    driver.deliver(slot: 0)
    driver.deliver(slot: 2)
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.signals == [.terminate, .terminate])
    #expect(actions.writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"), on: 2)
    _ = ended(&driver, .killed(.terminate), slot: 0)
    _ = ended(&driver, .exited(0), slot: 2)
    driver.method(.channelCloseOK, on: 1)
    driver.method(.channelCloseOK, on: 3)
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("A runner with --forever lets its workers end after TERM, and is a success")
  func foreverLetsItsWorkersEndAndIsASuccessThen() {
    var driver = serving { $0.extent = .forever }
    driver.deliver()
    #expect(driver.handle(.signal(.terminate)).signals.isEmpty)
    #expect(ended(&driver, .exited(0), slot: 0).contains(.basicAck(deliveryTag: 1, multiple: false)))
    #expect(driver.settle().finished == .success)
  }

  @Test("A second TERM reaches the workers of a runner with --forever") func aSecondTermIsMeantForTheWorkersToo() {
    var driver = serving { $0.worker.onTerm = .finish }
    driver.deliver()
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.signal(.terminate)).signals.isEmpty)
    driver.now += .seconds(2)
    #expect(driver.handle(.signal(.terminate)).signals == [.terminate])
    driver.now += .seconds(2)
    #expect(driver.handle(.signal(.terminate)).signals == [.kill])
  }

  @Test("A runner with --forever that holds no item ends with success") func foreverWithNothingInHandIsASuccess() {
    var driver = serving { $0.extent = .forever }
    driver.handle(.signal(.terminate))
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.finished == .success)
  }

  @Test("The answer to a cancel confirms the ack before it") func theAnswerToACancelConfirmsTheAckBeforeIt() {
    var driver = serving { $0.extent = .forever }
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(.signal(.terminate))
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.finished == .success)
  }

  @Test("An item that was given back is no failure of a runner with --drain")
  func drainIsNoFailureForWhatIsGivenBack() {
    var driver = serving { $0.extent = .drain }
    driver.deliver()
    driver.handle(.workerEnded(.exited(1)))
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(.timer(.idle))
    driver.method(.basicQoSOK)
    driver.handle(.timer(.idle))
    for _ in 0..<3 {
      if driver.runner.slots[0].state == .idle { _ = driver.counted(0, 0) }
      _ = driver.counted(0, 1)
      _ = driver.counted(0, 1)
      driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
      driver.handle(.timer(.probe))
    }
    #expect(driver.finished == .success)
  }

  @Test("A runner with --drain ends when --drain-timeout has passed") func drainHasItsTime() {
    var driver = serving {
      $0.extent = .drain
      $0.drainTimeout = .seconds(9)
    }
    #expect(driver.handle(.timer(.drainLimit)).errors.count == 1)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("Failures in a row make a pause without a consumer") func failuresInRowSlowItDownWithoutAConsumer() {
    var driver = serving { $0.extent = .forever }
    driver.deliver()
    #expect(ended(&driver, .exited(1), slot: 0) == [.basicReject(deliveryTag: 1, requeue: true)])
    var pauses: [Duration] = []
    var lines: [String] = []
    for _ in 0..<12 {
      driver.deliver()
      let actions = driver.handle(.workerEnded(.exited(1)))
      lines += actions.notices
      #expect(actions.writes[0].first == .basicCancel(consumerTag: driver.runner.slots[0].consumerTag))
      pauses += actions.compactMap { if case .set(.pause, let pause) = $0 { pause } else { nil } }
      #expect(driver.handle(.timer(.pause)).writes[0].count == 1)
    }
    #expect(pauses.first == .milliseconds(250) && pauses.last == .seconds(30) && pauses == pauses.sorted())
    #expect(lines.first == "7 failures in a row: no item is taken for 8s" && lines.count == 7)
    driver.deliver()
    #expect(ended(&driver, .exited(0), slot: 0).count == 1)
  }

  @Test("A late answer does not confirm an ack that was sent after its question")
  func anAnswerThatIsLateConfirmsNoAckBehindIt() {
    var driver = serving { $0.extent = .forever }
    for _ in 1...2 {
      driver.deliver()
      driver.handle(.workerEnded(.exited(0)))
      driver.handle(.timer(.idle))
    }
    driver.method(.basicQoSOK)
    #expect(driver.runner.slots[0].isAckUnconfirmed)
    driver.method(.basicQoSOK)
    #expect(!driver.runner.slots[0].isAckUnconfirmed)
  }

  @Test("A success ends the pause of the other slots") func aSuccessEndsThePauseOfTheOthers() {
    var driver = serving {
      $0.extent = .forever
      $0.parallelism = 2
    }
    for _ in 0..<3 {
      driver.deliver(slot: 0)
      driver.handle(.workerEnded(.exited(1), slot: 0))
    }
    driver.deliver(slot: 1)
    let methods = ended(&driver, .exited(0), slot: 1)
    #expect(
      methods == [
        .basicAck(deliveryTag: 4, multiple: false),
        .basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0)),
      ])
  }

  @Test("A runner asks about an ack if nothing else comes") func anAckIsAskedAfterWhereNothingElseComes() {
    var driver = serving { $0.extent = .forever }
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.handle(.timer(.idle)).writes == [[.basicQoS(prefetchCount: 1)]])
    driver.method(.basicQoSOK)
    #expect(driver.handle(RunnerDriver.lost()).errors.isEmpty)
    #expect(driver.finished == nil)
  }

  @Test("A broker that never answers about an ack is asked once")
  func aBrokerThatNeverAnswersIsAskedOnceAndNotForEver() {
    var driver = serving {
      $0.extent = .forever
      $0.connection.connectTimeout = .seconds(30)
    }
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    let asked = driver.handle(.timer(.idle))
    #expect(asked.writes.count == 1 && asked.sets(.settlementLimit, after: .seconds(30)))
    let again = driver.handle(.timer(.idle))
    #expect(again.writes.isEmpty && again.sets(.idle, after: Runner.idlePeriod))
    #expect(driver.handle(.timer(.settlementLimit)).errors.count == 1)
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("The next item answers a question about an ack") func theNextItemIsAnAnswerToo() {
    var driver = serving { $0.extent = .forever }
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(.timer(.idle))
    driver.deliver()
    #expect(driver.handle(.timer(.settlementLimit)).isEmpty)
    #expect(driver.handle(.workerEnded(.exited(0))).contains(.cancel(.settlementLimit)))
  }
}
