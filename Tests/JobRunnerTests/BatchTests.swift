import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// Several items for one worker.
@Suite struct BatchTests {
  // MARK: Collecting

  @Test("A batch begins when it is full, and each of its items is acked") func aFullBatchBegins() {
    var driver = RunnerDriver.batches(of: 3)
    #expect(driver.deliver(slot: 0).sets(.batchWait(slot: 0), after: .seconds(1)))
    #expect(driver.deliver(slot: 1).batches.isEmpty)
    let start = driver.deliver(slot: 2)
    #expect(start.batches == [[0, 1, 2]] && start.contains(.cancel(.batchWait(slot: 0))))
    let end = driver.handle(.workerEnded(.exited(0)))
    #expect(end.writes == [[ack(1)], [ack(2)], [ack(3)]])
  }

  @Test("The items of a batch are collected by as many consumers at once") func allConsumers() {
    var driver = RunnerDriver.batches(of: 8)
    #expect(driver.runner.slots.allSatisfy { $0.state == .consuming })
    for slot in 0..<8 { driver.deliver(slot: slot) }
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.runner.slots.allSatisfy { $0.state == .consuming })
  }

  @Test("A batch that is not full begins after its time, when no more items can come") func aBatchWithFewerItems() {
    var driver = RunnerDriver.batches(of: 2)
    driver.deliver(slot: 0)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"), on: 2)
    let closed = driver.closeBatch()
    #expect(closed.writes == [[cancel]] && closed.batches.isEmpty)
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1"), on: 2).batches == [[0]])
    // No item is held that would have to wait for the next worker.
    #expect(driver.runner.slots.map(\.state.name) == [.working, .idle])
    #expect(driver.handle(.timer(.idle)).writes.isEmpty)
    #expect(driver.handle(.workerEnded(.exited(0))).writes == [[ack(1)], [consume]])
  }

  @Test("An item that was on its way when its batch was closed belongs to the batch") func aLateItem() {
    var driver = RunnerDriver.batches(of: 2)
    driver.deliver(slot: 0)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"), on: 2)
    _ = driver.closeBatch()
    #expect(driver.deliver(slot: 1).batches == [[0, 1]])
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1"), on: 2).isEmpty)
    let writes = driver.handle(.workerEnded(.exited(0))).writes
    #expect(writes == [[ack(1)], [ack(2), consume]])
  }

  @Test("A consumer that is being attached when its batch is closed is cancelled when it is there")
  func anEarlyCancel() {
    var driver = RunnerDriver.batches(of: 2, isAttached: false)
    driver.deliver(slot: 0)
    #expect(driver.closeBatch().writes.isEmpty)
    #expect(driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"), on: 2).writes == [[cancel]])
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1"), on: 2).batches == [[0]])
  }

  @Test("A runner never takes more items than are still wanted") func theLastBatchIsSmaller() {
    var driver = RunnerDriver.batches(of: 2) { $0.extent = .count(5) }
    var sizes: [Int] = []
    while driver.finished == nil {
      for slot in driver.runner.slots.indices where driver.runner.slots[slot].state == .consuming {
        sizes += driver.deliver(slot: slot).batches.map(\.count)
      }
      driver.handle(.workerEnded(.exited(0)))
      for channel: UInt16 in [1, 2] { driver.method(.channelCloseOK, on: channel) }
    }
    #expect(sizes == [2, 2, 1] && driver.finished == .success)
  }

  @Test("Two batches are collected and run side by side") func twoBatches() {
    var driver = RunnerDriver.batches(of: 2) {
      $0.extent = .forever
      $0.parallelism = 2
    }
    let starts = [0, 2, 3, 1].flatMap { driver.deliver(slot: $0) }
    #expect(starts.batches == [[2, 3], [0, 1]])
    #expect(driver.handle(.workerEnded(.exited(0), slot: 2)).writes == [[ack(2)], [ack(3)]])
    #expect(driver.runner.slots.map(\.state.name) == [.working, .working, .consuming, .consuming])
  }

  @Test("An item that no worker can have leaves the batch to the others") func aMalformedItemIsSetAside() {
    var driver = RunnerDriver.batches(of: 2, hasRetries: true)
    driver.deliver(slot: 0)
    var malformed = BasicProperties()
    malformed.undecodable = [1]
    // The broker answers what was sent as the consumer was attached.
    driver.method(.basicQoSOK, on: 2)
    let moves = driver.deliver(malformed, slot: 1).moves
    #expect(moves.map(\.destination) == [.deadLetter(DeadLetterCause(reason: .malformed))])
    // The batch waits for the slot, which is free again soon.
    driver.handle(.moveConfirmed(slot: 1))
    #expect(driver.deliver(slot: 1).batches == [[0, 1]])
  }

  @Test("An item that its feed cannot carry is set aside as malformed") func anUnfitItemIsSetAside() {
    var driver = RunnerDriver.batches(of: 2, hasRetries: true)
    let envelope = Envelope(
      consumerTag: "amqp-job-1", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let unfit = RunnerEvent.unfit(envelope, BasicProperties(), bodySize: 3, reason: "it is no line", slot: 0)
    let actions = driver.answered(driver.handle(unfit))
    #expect(actions.moves.map(\.destination) == [.deadLetter(DeadLetterCause(reason: .malformed))])
    #expect(driver.handle(.moveConfirmed(slot: 0)).warnings.first?.contains("it is no line") == true)
  }

  @Test("A batch waits for an item whose crash is counted, and no longer than for others") func aCountedCrash() {
    var driver = RunnerDriver.batches(of: 2, hasRetries: true)
    #expect(driver.deliver(isRedelivered: true).moves.count == 1)
    #expect(driver.deliver(slot: 1).batches.isEmpty)
    #expect(driver.closeBatch().batches == [[1]])
    // The copy is there, and no item comes to the slot while the worker runs.
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [[cancel, ack(1)]])
    #expect(driver.runner.slots[0].state == .idle)
  }

  @Test("The items of a batch are in the order in which they came") func itemsAreInOrder() {
    var driver = RunnerDriver.batches(of: 2, hasRetries: true)
    driver.deliver(isRedelivered: true)
    driver.deliver(slot: 1)
    driver.now += .milliseconds(1)
    driver.handle(.moveConfirmed(slot: 0))
    #expect(driver.deliver(slot: 0).batches == [[1, 0]])
  }

  // MARK: Failures

  @Test("Each item of a batch that fails has its own attempts") func eachItemHasItsOwnAttempts() {
    var driver = RunnerDriver.batches(of: 3, hasRetries: true)
    for (slot, attempts) in [0: 0, 1: 2, 2: 1].sorted(by: { $0.key < $1.key }) {
      var properties = BasicProperties()
      properties.headers = [ItemHeader.attempts: .int64(Int64(attempts))]
      driver.deliver(properties, slot: slot)
    }
    let moves = driver.handle(.workerEnded(.exited(7))).moves
    let cause = DeadLetterCause(reason: .failed, status: .exited(7))
    #expect(
      moves.map(\.destination) == [
        .retry(after: .seconds(10), cause), .deadLetter(cause), .retry(after: .seconds(10), cause),
      ])
    #expect(moves.map(\.attempts) == [1, 3, 2])
  }

  @Test("A batch that runs for too long fails, and its worker is told once") func aBatchRunsForTooLong() {
    var driver = RunnerDriver.batches(of: 2) {
      $0.extent = .forever
      $0.worker.timeout = .seconds(5)
    }
    driver.deliver(slot: 0)
    #expect(driver.deliver(slot: 1).sets(.workerLimit(slot: 0), after: .seconds(5)))
    #expect(driver.handle(.timer(.workerLimit(slot: 0))).signals == [.terminate])
    let end = driver.handle(.workerEnded(.exited(0)))
    #expect(
      end.writes.flatMap(\.self).count { if case .basicReject(_, requeue: true) = $0 { true } else { false } } == 2)
  }

  @Test("The failures of one batch are one round, which makes no pause") func aFailedBatchIsOneRound() {
    var driver = RunnerDriver.batches(of: 2)
    for pauses in [false, true] {
      for slot in [0, 1] { driver.deliver(slot: slot) }
      let end = driver.handle(.workerEnded(.exited(1)))
      #expect((end.delay(of: .pause) != nil) == pauses)
    }
  }

  @Test("A command that cannot be run gives all items back as they were") func aCommandThatCannotBeRun() {
    var driver = RunnerDriver.batches(of: 2)
    for slot in [0, 1] { driver.deliver(slot: slot) }
    let actions = driver.handle(.commandRefused(.notExecutable, reason: "no"))
    #expect(actions.moves.map(\.destination) == [.queue, .queue] && actions.moves.map(\.attempts) == [0, 0])
    #expect(actions.errors.count == 1 && actions.warnings.isEmpty)
    #expect(driver.runner.tally.taken == 0)
  }
}

/// The second consumer of a slot.
private let consume = Method.basicConsume(
  queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))

private let cancel = Method.basicCancel(consumerTag: "amqp-job-1")

private func ack(_ tag: UInt64) -> AMQP.Method { .basicAck(deliveryTag: tag, multiple: false) }

extension RunnerDriver {
  /// The runner consumes, and gives up to `size` items to a worker at once.
  static func batches(
    of size: Int, hasRetries: Bool = false, isAttached: Bool = true,
    _ configure: (inout JobOptions) -> Void = { $0.extent = .forever }
  ) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.worker.batch = JobOptions.Batch()
      $0.worker.batch?.size = size
      configure(&$0)
    }
    if isAttached { driver.consume(hasRetries: hasRetries) } else { driver.open(hasRetries: hasRetries) }
    return driver
  }

  /// The batch has waited for long enough.
  mutating func closeBatch(of worker: Int = 0) -> [RunnerAction] {
    now += .seconds(1)
    return handle(.timer(.batchWait(slot: worker)))
  }
}
