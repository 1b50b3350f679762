internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// The loss of a consumer, a channel or the connection, and of what depended on it.
extension Runner {
  /// The broker has ended the consumer: the queue was deleted or moved, or the item took too long.
  mutating func consumerCancelled(_ tag: ByteString, in index: Int) -> [RunnerAction] {
    guard tag == slots[index].consumerTag else { return [] }
    slots[index].consumerEnded()
    if loseAck(in: index) { return ackRefused(why: Self.takenBackFirst) }
    switch slots[index].state {
    case .working:
      return abandon(
        index, .itemTakenBack, .unsettled(why: "the broker took the item back, or its queue was deleted"),
        "the broker took the item back from \(queueLabel), and the worker is stopped: \(causesOfCancel)")
    case .consuming, .collected:
      // If the queue is gone, the inspection finds that out.
      drain.interrupt()
      let release: [RunnerAction] = slots[index].isBusy ? [.releaseBody(slot: index)] : []
      slots[index].handle(.consumerLost(isStopping: isStopping))
      let stop: [RunnerAction] = [.cancel(.idle), .cancel(.probe)]
      return release + stop + (mayBeInspected ? inspectAgain() : serve())
    case .copying(let moving):
      let lost = copiesLost(in: [index])
      slots[index].handle(.consumerLost(isStopping: isStopping))
      return lost + moveAbandoned(moving, in: index, why: "the broker took the item back") + resume()
    case .confirming(let last):
      slots[index].handle(.consumerLost(isStopping: isStopping))
      return unconfirmed(last) + ackRefused(why: Self.takenBackFirst)
    case .holding:
      slots[index].handle(.consumerLost(isStopping: isStopping))
      return [.releaseBody(slot: index)] + resume()
    case .cancelling: return withdrawn(tag, in: index)
    case .noChannel, .idle, .orphaned, .abandoning, .closing, .closed: return []
    }
  }

  /// Why a broker may have ended a consumer, and what to do about it.
  private var causesOfCancel: String {
    let usual = "the queue was deleted ('amqp-job declare' makes it anew), or its node has gone down"
    guard ConsumerTimeout.mayCancel(session.server) else { return usual }
    return usual
      + ", or the worker needed more time than the consumer timeout ('amqp-job declare --consumer-timeout' sets a longer one)"
  }

  private static let takenBackFirst = "the broker took the item back first"

  /// The broker has closed the channel, and has given back whatever was held on it.
  mutating func channelClosed(_ reason: CloseReason, in index: Int) -> [RunnerAction] {
    let state = slots[index].state
    let isAckLost = loseAck(in: index)
    let lost = copiesLost(in: [index]) + dropDeliveries(in: [index])
    slots[index].channelEnded()
    slots[index].handle(.channelLost(isStopping: isStopping))
    switch state {
    case .working:
      let advice = reason.isAboutConsumerTimeout ? "; raise the broker's consumer_timeout if it needs more time" : ""
      return abandon(
        index, .itemTakenBack, .requeuedByBroker(why: reason.text),
        "the broker took the item back from \(queueLabel): \(reason.text); the worker is stopped\(advice)")
    case .copying(let moving): return lost + moveAbandoned(moving, in: index, why: reason.text) + resume()
    case .collected, .holding: return [.releaseBody(slot: index)] + resume()
    case .orphaned, .abandoning, .closed, .noChannel: return []
    case .closing: return [.cancel(.settlementLimit(slot: index))] + resume()
    case .confirming(let last):
      return [.cancel(.settlementLimit(slot: index))] + unconfirmed(last) + ackRefused(why: reason.text)
    case .idle, .consuming, .cancelling:
      if phase == .probing { drain.channelLost(now: now) }
      if isAckLost { return lost + ackRefused(why: reason.text) }
      // A slot without an item shares the channel with one whose item took too long.
      if reason.isAboutConsumerTimeout { return lost + resume() }
      guard !isStopping, phase != .awaitingQueue else { return lost }
      return lost + queueRefused(reason)
    }
  }

  /// The connection is gone, and with it the items in hand, the copies on their way, and the acks that nothing has confirmed.
  mutating func channelsLost(_ failure: BrokerFailure) -> [RunnerAction] {
    var actions = copiesLost(in: Array(slots.indices)) + dropDeliveries(in: Array(slots.indices))
    var isAckLost = false
    for index in slots.indices {
      switch slots[index].state {
      case .working(let job): actions += workerDisconnected(job, in: index)
      case .copying(let moving):
        slots[index].handle(.channelLost(isStopping: isStopping))
        actions += moveAbandoned(moving, in: index, why: failure.description)
      case .confirming(let last):
        isAckLost = true
        actions += unconfirmed(last)
      case .collected, .holding: actions.append(.releaseBody(slot: index))
      default: isAckLost = loseAck(in: index) || isAckLost
      }
    }
    let isWorkerStopped = slots.contains { $0.state.isOne(of: .abandoning) }
    shutSlots()
    let status: ExitStatus = failure.isAboutCredentials ? .notPermitted : .temporaryFailure
    if isWorkerStopped {
      let item =
        options.ownQueue == nil
        ? "others get its item of queue '\(queue.name)'" : "its item went with queue '\(queue.name)'"
      return actions + breakOff(status, "\(failure); the worker is stopped, and \(item)")
    }
    if isAckLost {
      return actions
        + breakOff(status, "\(failure); items that are done may be run again, because their acks are unconfirmed")
    }
    return actions + breakOffInconclusiveProbes()
  }

  /// Without a connection there are no channels.
  mutating func shutSlots() {
    for index in slots.indices {
      slots[index].channelEnded()
      slots[index].handle(.connectionLost)
    }
    inspection.connectionLost(mayChange: mayBeInspected)
    drain.channelLost(now: now)
  }

  // MARK: Acks

  /// True if the broker may not have taken the slot's last ack. That ack no longer counts, and the slot takes no more items.
  private mutating func loseAck(in index: Int) -> Bool {
    guard slots[index].isAckUnconfirmed, slots[index].state.after(.ackLost) != nil else { return false }
    slots[index].handle(.ackLost)
    tally.ackLost()
    return true
  }

  /// The item is done, and nobody can tell whether the broker took its ack.
  private mutating func unconfirmed(_ last: LastItem) -> [RunnerAction] {
    record(last.ended, as: .unsettled(why: "its ack is unconfirmed"))
  }

  private mutating func ackRefused(why: String) -> [RunnerAction] {
    breakOff(
      .itemTakenBack,
      "the broker may not have taken the last ack in \(queueLabel), so the item will be run again: \(why)")
  }

  private mutating func ackUnconfirmed(why: String) -> [RunnerAction] {
    breakOff(
      .temporaryFailure, "the item of \(queueLabel) is done, but may be run again: its ack is unconfirmed (\(why))")
  }

  /// The broker has not answered in time.
  mutating func settlementLimitReached(in index: Int) -> [RunnerAction] {
    let silence = "the broker has not answered in time"
    stop.brokerSilent()
    if loseAck(in: index) { return ackUnconfirmed(why: silence) }
    switch slots[index].state {
    case .copying:
      // A broker that is short of memory or disk is waited for, until the runner is told to end.
      guard !copyState.isBlocked || stop.signal != nil else {
        return [.set(.settlementLimit(slot: index), after: Self.settlementLimit)]
      }
      return [.dropMove(slot: index)] + moveUnconfirmed(silence, in: index)
    case .closing:
      slots[index].handle(.settlementLimit)
      return resume()
    case .confirming(let last):
      slots[index].handle(.settlementLimit)
      return unconfirmed(last) + ackUnconfirmed(why: silence)
    case .cancelling:
      slots[index].handle(.settlementLimit)
      return []
    default: return []
    }
  }

  // MARK: Copies

  /// The channels of `lost` are gone. When items are lost again and again after they were copied, no more are copied.
  mutating func copiesLost(in lost: [Int]) -> [RunnerAction] {
    guard lost.contains(where: { slots[$0].isCopyUnsettled }) else { return [] }
    for index in lost { slots[index].copyLost() }
    guard copyState.lost(), !isStopping else { return [] }
    return breakOff(
      .temporaryFailure,
      "items of \(queueLabel) came back \(copyState.losses) times in a row although copies of them had been published: no more "
        + "are copied, and some may be there more than once")
  }

  /// The item went back by itself while its copy was on its way. Both may be there now.
  private mutating func moveAbandoned(_ moving: MovingItem, in index: Int, why: String) -> [RunnerAction] {
    let ended = moving.isUnrun ? nil : moving.ended
    return [.dropMove(slot: index), .releaseBody(slot: index), .cancel(.settlementLimit(slot: index))]
      + (ended.map { record($0, as: .requeuedByBroker(why: why)) } ?? [])
  }

  // MARK: Workers and deliveries

  /// The item is no longer ours. The worker is stopped, and nothing that it still does counts.
  private mutating func abandon(
    _ index: Int, _ status: ExitStatus, _ settlement: Settlement, _ line: LogMessage
  ) -> [RunnerAction] {
    let actions = abandonWorker(in: index, as: settlement)
    // Its worker may have been stopped for another item.
    return actions + (actions.isEmpty ? [] : breakOff(status, line))
  }

  private mutating func workerDisconnected(_ job: Job, in index: Int) -> [RunnerAction] {
    guard options.worker.onDisconnect == .finish else { return abandonDisconnected(in: index) }
    slots[index].handle(.orphan(job))
    return []
  }

  static let lostConnection = "the connection was lost"

  /// The item went back with the connection, or went with its queue.
  private mutating func abandonDisconnected(in index: Int) -> [RunnerAction] {
    let settlement: Settlement =
      options.ownQueue == nil
      ? .requeuedByBroker(why: Self.lostConnection) : .unsettled(why: "its queue went with the connection")
    return abandonWorker(in: index, as: settlement)
  }

  /// What else the worker was given is still ours, and does not count as tried if the worker does not finish it.
  private mutating func abandonWorker(in index: Int, as settlement: Settlement) -> [RunnerAction] {
    let members = members(of: worker(of: index))
    let isTold = members.contains { slots[$0].state.isOne(of: .abandoning) }
    slots[index].handle(.abandon(as: settlement))
    guard !isTold else { return [] }
    for other in members where other != index { slots[other].interrupt(by: .terminate) }
    return tell(worker(of: index), .terminate)
  }

  /// Stops the workers whose items will never come back to this runner.
  mutating func stopOrphans() -> [RunnerAction] {
    slots.indices.flatMap { index -> [RunnerAction] in
      if case .orphaned = slots[index].state { abandonDisconnected(in: index) } else { [] }
    }
  }

  private mutating func dropDeliveries(in slots: [Int]) -> [RunnerAction] {
    deferred.dropDeliveries(in: slots).map { .releaseBody(slot: $0) }
  }
}
