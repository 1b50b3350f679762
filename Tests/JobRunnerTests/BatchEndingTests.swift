import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// The ends of several items that one worker got at once.
@Suite struct BatchEndingTests {
  @Test("TERM while a batch is collected gives its items back uncounted") func termWhileABatchIsCollected() {
    var driver = RunnerDriver.batches(of: 3, hasRetries: true) { $0.extent = .drain }
    for slot in [0, 1] { driver.deliver(slot: slot) }
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.moves.map(\.destination) == [.queue, .queue] && actions.moves.map(\.attempts) == [0, 0])
    #expect(actions.sets(.settlementLimit(slot: 1), after: Runner.settlementLimit))
    #expect(actions.signals.isEmpty && actions.batches.isEmpty)
    #expect(driver.handle(.timer(.batchWait(slot: 0))).isEmpty)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"), on: 3)
    for slot in [0, 1] {
      #expect(
        driver.handle(.moveConfirmed(slot: slot)).writes == [[cancel, ack(UInt64(slot + 1)), channelClose]])
      driver.method(.channelCloseOK, on: UInt16(slot + 1))
    }
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("TERM while a batch runs reaches its worker once, and counts for no item") func termWhileABatchRuns() {
    var driver = RunnerDriver.batches(of: 2, hasRetries: true)
    for slot in [0, 1] { driver.deliver(slot: slot) }
    driver.runner.stop.begin(.terminate, now: driver.now - .seconds(5))
    #expect(driver.handle(.signal(.terminate)).signals == [.terminate])
    let moves = driver.handle(.workerEnded(.killed(.terminate))).moves
    #expect(moves.map(\.destination) == [.queue, .queue] && moves.map(\.attempts) == [0, 0])
  }

  @Test("A connection that is lost while a batch is collected costs no attempt") func lossWhileABatchIsCollected() {
    var driver = RunnerDriver.batches(of: 2, hasRetries: true)
    driver.deliver(slot: 0)
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.contains(.releaseBody(slot: 0)) && actions.signals.isEmpty && driver.runner.tally.taken == 0)
    driver.reconnect(hasRetries: true)
    #expect(driver.runner.slots.map(\.state) == [.consuming, .consuming])
  }

  @Test("A connection that is lost while a batch runs stops its worker once") func lossWhileABatchRuns() {
    var driver = RunnerDriver.batches(of: 2)
    for slot in [0, 1] { driver.deliver(slot: slot) }
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.signals == [.terminate] && actions.errors.count == 1)
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.finished == .temporaryFailure && driver.runner.tally.settled == 2)
  }

  @Test("Items of a batch that may finish are acked when they come back") func aBatchThatMayFinish() {
    var driver = RunnerDriver.batches(of: 2) {
      $0.extent = .forever
      $0.worker.onDisconnect = .finish
    }
    let ids = ["a", "b"].map { id in
      var properties = BasicProperties()
      properties.messageID = ByteString(id)
      return properties
    }
    for slot in [0, 1] { driver.deliver(ids[slot], digest: 1, slot: slot) }
    driver.handle(RunnerDriver.lost())
    driver.reconnect()
    #expect(driver.runner.slots.map(\.state.name) == [.orphaned, .orphaned])
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.runner.returning.count == 2)
    // They come back in another order.
    for (id, tag) in [(1, 3), (0, 4)] {
      #expect(driver.deliver(ids[id], isRedelivered: true, digest: 1).writes.first == [ack(UInt64(tag))])
    }
    #expect(driver.runner.returning.isEmpty && driver.runner.tally.acked == 2)
  }

  @Test(
    "The items that are left when the broker takes one back are acked, or do not count as tried",
    arguments: [ProcessStatus.exited(0), .killed(.terminate)])
  func oneItemIsTakenBack(status: ProcessStatus) {
    var driver = RunnerDriver.batches(of: 3, hasRetries: true)
    for slot in [0, 1, 2] { driver.deliver(slot: slot) }
    let timedOut = Method.channelClose(CloseReason(code: .preconditionFailed, text: "timed out"))
    let actions = driver.method(timedOut, on: 2)
    #expect(actions.signals == [.terminate] && actions.errors.count == 1)
    #expect(driver.method(timedOut, on: 3).isEmpty)
    let end = driver.handle(.workerEnded(status))
    #expect(end.writes.flatMap(\.self).contains(ack(1)) == (status == .exited(0)))
    #expect(end.moves.map(\.attempts) == (status == .exited(0) ? [] : [0]))
    driver.handle(.moveConfirmed(slot: 0))
    driver.method(.channelCloseOK)
    #expect(driver.finished == .itemTakenBack)
  }

  @Test("An item that is lost while its batch is collected leaves the batch to the others")
  func anItemOfACollectedBatchIsLost() {
    var driver = RunnerDriver.batches(of: 2)
    driver.deliver(slot: 0)
    let closed = Method.channelClose(CloseReason(code: .preconditionFailed, text: "timed out"))
    #expect(driver.method(closed, on: 1).contains(.releaseBody(slot: 0)))
    #expect(driver.runner.slots.map(\.state) == [.consuming, .consuming])
    driver.deliver(slot: 1)
    #expect(driver.deliver(slot: 0).batches.map(Set.init) == [[0, 1]])
  }

  @Test("What is collected for too long is collected again, and a warning says so") func collectedForTooLong() {
    var driver = RunnerDriver.batches(of: 3, hasRetries: true)
    for slot in [1, 2] { driver.deliver(slot: slot) }
    let text = "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"
    let reason = CloseReason(code: .preconditionFailed, text: text)
    let actions = driver.handle(.sharedChannelClosed(reason, slots: [0, 1, 2]))
    #expect(actions.moves.isEmpty && actions.errors.isEmpty && actions.warnings.count == 1)
    #expect(actions.warnings.first?.contains("took back 2 items") == true)
    #expect(driver.runner.slots.allSatisfy { $0.state == .consuming })
  }

  @Test("Nothing is done about items that were taken back when that is the end") func refusedWhileABatchIsCollected() {
    var driver = RunnerDriver.batches(of: 3, hasRetries: true)
    for slot in [1, 2] { driver.deliver(slot: slot) }
    let reason = CloseReason(code: .accessRefused, text: "ACCESS_REFUSED - read access to queue 'q' refused")
    let actions = driver.handle(.sharedChannelClosed(reason, slots: [0, 1, 2]))
    #expect(actions.moves.isEmpty && actions.batches.isEmpty && actions.errors.count == 1)
  }

  @Test("A batch is not probed for being drained while it is collected") func aCollectedBatchIsNoDrain() {
    var driver = RunnerDriver.batches(of: 2) { $0.extent = .drain }
    driver.deliver(slot: 0)
    #expect(driver.handle(.timer(.idle)).writes.isEmpty && driver.runner.phase == .serving)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"), on: 2)
    _ = driver.closeBatch()
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1"), on: 2).batches == [[0]])
  }

  @Test("An item that is collected is counted once as left") func progressOfABatch() {
    var driver = RunnerDriver.batches(of: 2) {
      $0.extent = .count(3)
      $0.report.progressPeriod = .seconds(1)
    }
    driver.deliver(slot: 0)
    #expect(driver.handle(.timer(.progress)).contains(.progress(WorkDone(done: 0, failed: 0, left: 3))))
    driver.deliver(slot: 1)
    #expect(driver.handle(.timer(.progress)).contains(.progress(WorkDone(done: 0, failed: 0, left: 3))))
  }
}

private let cancel = Method.basicCancel(consumerTag: "amqp-job-1")

private func ack(_ tag: UInt64) -> AMQP.Method { .basicAck(deliveryTag: tag, multiple: false) }
