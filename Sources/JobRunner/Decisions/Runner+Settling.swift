internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Telling the broker what became of an item, and making sure that it knows.
extension Runner {
  /// How long the broker may take over the last settlement, or over a copy.
  static let settlementLimit: Duration = .seconds(5)

  mutating func ended(
    _ job: Job, in index: Int, as outcome: Outcome, _ what: LogMessage, status: ProcessStatus?,
    _ standardError: String? = nil, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    let cancels: [RunnerAction] = [.cancel(.grace(slot: index)), .cancel(.workerLimit(slot: index))]
    let ended = EndedJob(
      item: job.item, outcome: outcome, what: what, status: status, duration: job.startedAt.duration(to: now),
      standardError: standardError)
    if case .orphaned = slots[index].state { return cancels + orphanEnded(ended, in: index, now: now) }
    return cancels + settle(ended, in: index, by: policy.settlement(of: ended), now: now)
  }

  mutating func settle(
    _ ended: EndedJob, in index: Int, by settlement: AttemptPolicy.Settlement, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    tally.count(ended.outcome)
    switch settlement {
    case .acknowledge: return release(index, by: .ack(ended.item), of: ended.item, ended, .acked, now: now)
    case .giveBack: return release(index, by: Self.giveBack(ended), of: ended.item, ended, .givenBack, now: now)
    case .reject:
      let reject = Method.basicReject(deliveryTag: ended.item.envelope.deliveryTag, requeue: false)
      return release(index, by: reject, of: ended.item, ended, .rejected, now: now)
    case .move(let move): return begin(MovingItem(item: ended.item, move: move, ended: ended), in: index)
    }
  }

  /// Without its being counted where the broker can (RabbitMQ 4.3 counts a reject, and no nack).
  static func giveBack(_ item: WorkItem) -> Method {
    .basicNack(deliveryTag: item.envelope.deliveryTag, multiple: false, requeue: true)
  }

  private static func giveBack(_ ended: EndedJob) -> Method {
    if case .failed = ended.outcome {
      .basicReject(deliveryTag: ended.item.envelope.deliveryTag, requeue: true)
    } else {
      giveBack(ended.item)
    }
  }

  // MARK: Moves

  mutating func begin(_ moving: MovingItem, in index: Int, asking: Bool = false) -> [RunnerAction] {
    var moving = moving
    moving.isAsking = asking
    slots[index].state = .moving(moving)
    // Told to end with nothing in hand, we end at once.
    let limit = moving.isUnwanted && stopSignal != nil ? Self.withdrawalLimit : Self.settlementLimit
    let begin = asking ? .send(slots[index].on([slots[index].setPrefetch()])) : publishCopy(moving, in: index)
    return [begin, .set(.settlementLimit(slot: index), after: limit)]
  }

  private mutating func publishCopy(_ moving: MovingItem, in index: Int) -> RunnerAction {
    slots[index].isCopyUnsettled = true
    return .move(moving.item, moving.move, slot: index)
  }

  /// The channel has answered, and so the item can be settled on it.
  mutating func askedBeforeMove(in index: Int) -> [RunnerAction] {
    guard case .moving(var moving) = slots[index].state, moving.isAsking, !slots[index].hasUnansweredPrefetch
    else { return [] }
    moving.isAsking = false
    slots[index].state = .moving(moving)
    return [publishCopy(moving, in: index), .set(.settlementLimit(slot: index), after: Self.settlementLimit)]
  }

  /// How often in a row items may be lost whose copies were published. Each time there may be one more of them.
  static let mostCopyLosses = 3

  /// The channels of `lost` are gone. Where items are lost again and again after they were copied, no more are.
  mutating func copiesLost(in lost: [Int]) -> [RunnerAction] {
    guard lost.contains(where: { slots[$0].isCopyUnsettled }) else { return [] }
    for index in lost { slots[index].isCopyUnsettled = false }
    copyLosses += 1
    guard copyLosses >= Self.mostCopyLosses, !isStopping else { return [] }
    return breakOff(
      .temporaryFailure,
      "items of \(place) went back \(copyLosses) times in a row after copies of them had been published, and may be there "
        + "more than once: no more are copied")
  }

  /// The broker has answered something that was sent on the slot's channel after its last item.
  mutating func answered(in index: Int) {
    if slots[index].isCopyUnsettled { copyLosses = 0 }
    slots[index].ackTaken()
  }

  /// A large copy takes its time; but who was told to end has limits of its own.
  func moveAdvanced(in index: Int) -> [RunnerAction] {
    guard slots[index].isMoving, stopSignal == nil else { return [] }
    return [.set(.settlementLimit(slot: index), after: Self.settlementLimit)]
  }

  /// The copy is in its queue, and only now the item leaves this one.
  mutating func moveConfirmed(in index: Int, now: ContinuousClock.Instant) -> [RunnerAction] {
    guard case .moving(let moving) = slots[index].state, !moving.isAsking else { return [] }
    if moving.isExhausted, let ended = moving.ended {
      tally.taken += 1
      tally.count(ended.outcome)
    }
    let disposal: Disposal
    switch moving.move.destination {
    case .queue: disposal = .givenBackAsCopy
    case .retry(let delay, _): disposal = .retried(after: delay)
    case .deadLetter:
      disposal = .deadLettered(into: "queue '\(queue.deadName)'")
    case .deadLetterExchange:
      disposal = .deadLettered(into: "\(moving.move.destination.destination(of: moving.item))")
    }
    let unrun = moving.ended == nil ? [said(.info, "an item of \(place) goes back as a copy, unrun")] : []
    return unrun + release(index, by: .ack(moving.item), of: moving.item, moving.ended, disposal, now: now)
  }

  /// The copy may be there, or its mark, and so may be one more with each item that is tried again.
  mutating func moveUnconfirmed(
    _ reason: String, in index: Int, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    guard case .moving(let moving) = slots[index].state else { return [] }
    let end = moving.isAsking ? [] : copiesLost(in: [index])
    return end + moveFailed(reason, in: index, now: now)
  }

  /// There may be no copy, so the item itself goes back. One that nobody has run yet is run: what keeps copies from being
  /// published may have kept its last runners from it, too, and so have used its attempts up.
  mutating func moveFailed(
    _ reason: String, in index: Int, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    guard case .moving(let moving) = slots[index].state else { return [] }
    let target = moving.move.destination.destination(of: moving.item)
    let otherwise = moving.isUnwanted ? "; it is given back itself, which the broker may count" : ""
    let warning = said(
      .warning, "no copy of the item of \(place) could be published to \(target): \(reason)\(otherwise)")
    let cancel = RunnerAction.cancel(.settlementLimit(slot: index))
    slots[index].isCopyUnsettled = false
    if moving.isUnrun, !moving.isUnwanted, !isStopping {
      return [cancel, warning] + startWorker(on: moving.item, in: index, now: now)
    }
    let ended = moving.isUnrun ? nil : moving.ended
    let method = ended.map(Self.giveBack) ?? Self.giveBack(moving.item)
    return [warning] + release(index, by: method, of: moving.item, ended, .givenBack, now: now)
  }

  /// The same, where the broker has said why.
  mutating func moveRefused(_ reason: CloseReason, in index: Int, now: ContinuousClock.Instant) -> [RunnerAction] {
    guard reason.refusal == .notPermitted, case .moving(let moving) = slots[index].state else {
      return moveFailed(reason.text, in: index, now: now)
    }
    let exchange = moving.move.destination.destination(of: moving.item).exchange
    let end = breakOff(
      .notPermitted,
      "no permission to publish a copy of an item of \(place): \(reason.text); the item goes back as it is; grant the user the "
        + "write permission on '\(exchange.isEmpty ? "amq.default" : exchange)'")
    let ended = moving.isUnrun ? nil : moving.ended
    let method = ended.map(Self.giveBack) ?? Self.giveBack(moving.item)
    return end + release(index, by: method, of: moving.item, ended, .givenBack, now: now)
  }

  /// The item went back by itself while its copy was on its way; there may be both now.
  mutating func moveAbandoned(
    _ moving: MovingItem, in index: Int, why: String, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    slots[index].state = isStopping ? .closed : .shut
    return [.dropMove(slot: index), .releaseBody(slot: index), .cancel(.settlementLimit(slot: index))]
      + (moving.isUnrun ? [] : moving.ended.map { disposed(of: $0, as: .givenBackByBroker(why: why)) } ?? [])
  }

  /// A broker that is short of memory or disk takes the copies that are under way when it has room again, even
  /// of a client that is gone. So they are waited for, until we are told to end.
  mutating func movesBlocked(_ reason: String?) -> [RunnerAction] {
    movesBlocked = reason
    let state = reason.map { "takes no copies for now (\($0)): waiting" } ?? "takes copies again"
    let limits = slots.indices.filter { slots[$0].isMoving }.map { index in
      RunnerAction.set(.settlementLimit(slot: index), after: Self.settlementLimit)
    }
    return [said(.notice, "the broker at \(broker) \(state)")] + limits
  }

  // MARK: The last word

  /// The slot's item is settled by `method`, and the slot goes on to the next one, rests, or has had its last.
  mutating func release(
    _ index: Int, by method: Method, of item: WorkItem, _ ended: EndedJob?, _ disposal: Disposal,
    now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    let unmark = unmark(item, disposal)
    let isDone = ended?.outcome == .done
    if ended != nil { outage.settled() }
    slots[index].state = .resting
    let isLastOfSlot = isStopping || freeItems <= 0
    // Of the last ack that is said once the broker has taken it.
    let entry = isDone && isLastOfSlot ? [] : ended.map { disposed(of: $0, as: disposal) } ?? []
    let actions: [RunnerAction] = [.releaseBody(slot: index), .cancel(.settlementLimit(slot: index))]
    if isLastOfSlot {
      // The consumer is cancelled before the broker can see room for another item.
      let methods = detachAndSettle(index, by: method) + [Slot.close]
      slots[index].state = .closing(isDone ? ended.map { LastWord(ended: $0, disposal: disposal) } : nil)
      let isLast = !slots.contains { $0.hasWorker || $0.mayTakeItem }
      // Then the connection's end is the answer, and not another one after that.
      let endsAll = returning.isEmpty && search == nil && slots.indices.allSatisfy { $0 == index || slots[$0].isOver }
      return actions + entry + (isLast ? [.endOfWork] : [])
        + [
          .send(slots[index].on(methods) + unmark), .set(.settlementLimit(slot: index), after: Self.settlementLimit),
        ] + (endsAll ? [.closeConnection] : [])
    }
    slots[index].isAckUnconfirmed = isDone
    let wasPausing = isPausing
    let pause = ended == nil ? [] : beginPause()
    guard phase == .serving, !isPausing || options.mayDeleteItself else {
      let probe: [Method] = isDone ? [slots[index].setPrefetch()] : []
      let methods = detachAndSettle(index, by: method) + probe
      let limit: [RunnerAction] = isDone ? [.set(.settlementLimit(slot: index), after: Self.settlementLimit)] : []
      return actions + entry + pause + [.send(slots[index].on(methods) + unmark)] + limit + looked(now: now)
    }
    let attach = slots[index].isConsumerAttached ? [] : self.attach(index)
    slots[index].state = .waiting
    let others = wasPausing && !isPausing ? [.cancel(.pause)] + serve(now: now) : []
    return actions + entry + pause + [.send(slots[index].on([method] + attach) + unmark)] + awaitItem(now: now) + others
  }

  private mutating func detachAndSettle(_ index: Int, by method: Method) -> [Method] {
    // A queue that has gone with its last consumer dead-letters nothing any more.
    if case .basicReject(_, requeue: false) = method, options.mayDeleteItself {
      return [method] + slots[index].detach()
    }
    return slots[index].detach() + [method]
  }

  private mutating func beginPause() -> [RunnerAction] {
    guard let pause = tally.pause(chance: chance()) else {
      isPausing = false
      return []
    }
    isPausing = true
    return [.set(.pause, after: pause)]
  }

  mutating func pauseEnded(now: ContinuousClock.Instant) -> [RunnerAction] {
    isPausing = false
    return phase == .serving ? serve(now: now) : []
  }

  /// The channel's end was the broker's word.
  mutating func settled(in index: Int, now: ContinuousClock.Instant) -> [RunnerAction] {
    guard case .closing(let word) = slots[index].state else { return [] }
    slots[index].channelEnded()
    slots[index].state = .closed
    return [.cancel(.settlementLimit(slot: index))] + (word.map { disposed(of: $0.ended, as: $0.disposal) } ?? [])
      + resume(now: now)
  }

  /// RabbitMQ does not answer the close of a channel any more when it has been told to close the connection. It does what came
  /// before all the same, and refuses what it refuses.
  mutating func connectionClosed(now: ContinuousClock.Instant) -> [RunnerAction] {
    slots.indices.flatMap { settled(in: $0, now: now) }
  }

  mutating func settlementLimitReached(in index: Int, now: ContinuousClock.Instant) -> [RunnerAction] {
    let silence = "the broker has not answered in time"
    isBrokerSilent = true
    switch slots[index].state {
    case .moving:
      // Told to end, we wait no longer.
      guard movesBlocked == nil || stopSignal != nil else {
        return [.set(.settlementLimit(slot: index), after: Self.settlementLimit)]
      }
      return [.dropMove(slot: index)] + moveUnconfirmed(silence, in: index, now: now)
    case .closing(let word):
      slots[index].state = .closed
      return word == nil ? resume(now: now) : ackUnconfirmed(why: silence)
    case .waiting where slots[index].isAckUnconfirmed, .resting where slots[index].isAckUnconfirmed,
      .withdrawing where slots[index].isAckUnconfirmed:
      slots[index].state = .closed
      tally.ackLost()
      return ackUnconfirmed(why: silence)
    case .withdrawing:
      slots[index].state = .closed
      return []
    default: return []
    }
  }

  private mutating func ackUnconfirmed(why: String) -> [RunnerAction] {
    breakOff(
      .temporaryFailure, "the item of \(place) is done, but may be run again: its ack is unconfirmed (\(why))")
  }
}

extension Method {
  static func ack(_ item: WorkItem) -> Method {
    .basicAck(deliveryTag: item.envelope.deliveryTag, multiple: false)
  }
}
