internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Settling items, and making sure that the broker took the settlement.
extension Runner {
  /// How long the broker may take to answer the last settlement, or to confirm a copy.
  static let settlementLimit: Duration = .seconds(5)

  mutating func ended(_ ended: EndedJob, in index: Int) -> [RunnerAction] {
    let cancels = workerLimitsOver(in: index)
    if case .orphaned = slots[index].state { return cancels + orphanEnded(ended, in: index) }
    return cancels + settle(ended, in: index, by: policy.decision(of: ended))
  }

  mutating func settle(
    _ ended: EndedJob, in index: Int, by decision: AttemptPolicy.Decision
  ) -> [RunnerAction] {
    tally.count(ended.outcome)
    switch decision {
    case .acknowledge: return release(index, by: .ack(ended.item), of: ended.item, ended, .acked)
    case .requeue: return release(index, by: Self.requeue(ended), of: ended.item, ended, .requeued)
    case .reject:
      let reject = Method.basicReject(deliveryTag: ended.item.envelope.deliveryTag, requeue: false)
      return release(index, by: reject, of: ended.item, ended, policy.showsNoExchange ? .dropped : .rejected)
    case .move(let move): return begin(MovingItem(item: ended.item, move: move, ended: ended), in: index)
    }
  }

  /// Requeues an item without counting that, if the broker can: RabbitMQ 4.3 counts a reject, but not a nack.
  static func requeue(_ item: WorkItem) -> Method {
    .basicNack(deliveryTag: item.envelope.deliveryTag, multiple: false, requeue: true)
  }

  private static func requeue(_ ended: EndedJob) -> Method {
    if case .failed = ended.outcome {
      .basicReject(deliveryTag: ended.item.envelope.deliveryTag, requeue: true)
    } else {
      requeue(ended.item)
    }
  }

  // MARK: Moves

  mutating func begin(_ moving: MovingItem, in index: Int, asking: Bool = false) -> [RunnerAction] {
    var moving = moving
    moving.isAsking = asking
    slots[index].handle(.copy(moving))
    // A runner that is told to end while it has no item ends at once.
    let limit = moving.isUnwanted && stop.signal != nil ? Self.withdrawalLimit : Self.settlementLimit
    let begin = asking ? .send(slots[index].on([slots[index].setPrefetch()])) : publishCopy(moving, in: index)
    return [begin, .set(.settlementLimit(slot: index), after: limit)]
  }

  private mutating func publishCopy(_ moving: MovingItem, in index: Int) -> RunnerAction {
    slots[index].copyPublished()
    return .move(moving.item, moving.move, slot: index)
  }

  /// The channel has answered, which shows that the item can be settled on it.
  mutating func askedBeforeMove(in index: Int) -> [RunnerAction] {
    guard let moving = slots[index].takeAnsweredCopy() else { return [] }
    return [publishCopy(moving, in: index), .set(.settlementLimit(slot: index), after: Self.settlementLimit)]
  }

  /// The broker has answered something that was sent on the slot's channel after its last settlement.
  mutating func answered(in index: Int) {
    if slots[index].isCopyUnsettled { copyState.settled() }
    slots[index].ackTaken()
  }

  /// A large copy may take its time, unless the runner was told to end.
  func moveAdvanced(in index: Int) -> [RunnerAction] {
    guard slots[index].isCopying, stop.signal == nil else { return [] }
    return [.set(.settlementLimit(slot: index), after: Self.settlementLimit)]
  }

  /// The copy is in its queue, so the item can leave this one.
  mutating func moveConfirmed(in index: Int) -> [RunnerAction] {
    guard case .copying(let moving) = slots[index].state, !moving.isAsking else { return [] }
    if moving.isExhausted, let ended = moving.ended {
      tally.taken += 1
      tally.count(ended.outcome)
    }
    let settlement: Settlement
    switch moving.move.destination {
    case .queue: settlement = .requeuedAsCopy
    case .retry(let delay, _, _): settlement = .retried(after: delay)
    case .deadLetter:
      settlement = .deadLettered(into: "queue '\(queue.deadName)'")
    case .deadLetterExchange:
      settlement = .deadLettered(into: "\(moving.move.destination.destination(of: moving.item))")
    }
    let unrun =
      moving.ended == nil ? [said(.info, "an item of \(queueLabel) goes back as a copy, and was not run")] : []
    return unrun + release(index, by: .ack(moving.item), of: moving.item, moving.ended, settlement)
  }

  /// The copy or its mark may be there. Each further attempt may add another one.
  mutating func moveUnconfirmed(
    _ reason: String, in index: Int
  ) -> [RunnerAction] {
    guard case .copying(let moving) = slots[index].state else { return [] }
    let end = moving.isAsking ? [] : copiesLost(in: [index])
    return end + moveFailed(reason, in: index)
  }

  /// There may be no copy, so the item itself is requeued. An item that nobody has run is run instead: its attempts may have been
  /// used up by runners that could not publish a copy, either.
  mutating func moveFailed(
    _ reason: String, in index: Int
  ) -> [RunnerAction] {
    guard case .copying(let moving) = slots[index].state else { return [] }
    let target = moving.move.destination.destination(of: moving.item)
    let otherwise = moving.isUnwanted ? "; the item itself is given back, and the broker may count that" : ""
    let warning = said(
      .warning, "no copy of the item of \(queueLabel) could be published to \(target): \(reason)\(otherwise)")
    let cancel = RunnerAction.cancel(.settlementLimit(slot: index))
    slots[index].copyLost()
    if moving.isUnrun, !moving.isUnwanted, !isStopping {
      return [cancel, warning] + run(moving.item, in: index)
    }
    let ended = moving.isUnrun ? nil : moving.ended
    let method = ended.map(Self.requeue) ?? Self.requeue(moving.item)
    return [warning] + release(index, by: method, of: moving.item, ended, .requeued)
  }

  /// The broker has refused the copy and has said why.
  mutating func moveRefused(_ reason: CloseReason, in index: Int) -> [RunnerAction] {
    guard reason.refusal == .notPermitted, case .copying(let moving) = slots[index].state else {
      return moveFailed(reason.text, in: index)
    }
    let exchange = moving.move.destination.destination(of: moving.item).exchange
    let end = breakOff(
      .notPermitted,
      "no permission to publish a copy of an item of \(queueLabel): \(reason.text); the item goes back as it is; grant the user the "
        + "write permission on '\(exchange.isEmpty ? "amq.default" : exchange)'")
    let ended = moving.isUnrun ? nil : moving.ended
    let method = ended.map(Self.requeue) ?? Self.requeue(moving.item)
    return end + release(index, by: method, of: moving.item, ended, .requeued)
  }

  /// A broker that is short of memory or disk takes the copies that are under way when it has room again, even if their client is
  /// gone by then. So the runner waits for them until it is told to end.
  mutating func movesBlocked(_ reason: String?) -> [RunnerAction] {
    copyState.blocked(reason)
    let state = reason.map { "takes no copies for now (\($0)): waiting" } ?? "takes copies again"
    let limits = slots.indices.filter { slots[$0].isCopying }.map { index in
      RunnerAction.set(.settlementLimit(slot: index), after: Self.settlementLimit)
    }
    return [said(.notice, "the broker at \(broker) \(state)")] + limits
  }

  // MARK: Settlement

  /// Settles the slot's item by `method`. Then the slot takes the next item, is idle, or closes its channel.
  mutating func release(
    _ index: Int, by method: Method, of item: WorkItem, _ ended: EndedJob?, _ settlement: Settlement
  ) -> [RunnerAction] {
    let unmark = unmark(item, settlement)
    let isDone = ended?.outcome == .done
    if ended != nil { session.outage.settled() }
    slots[index].handle(.settle)
    let isLastOfSlot = isStopping || freeItems <= 0
    // The last ack of a slot is recorded when the broker has taken it.
    let entry = isDone && isLastOfSlot ? [] : ended.map { record($0, as: settlement) } ?? []
    let actions: [RunnerAction] = [.releaseBody(slot: index), .cancel(.settlementLimit(slot: index))]
    if isLastOfSlot {
      // The consumer is cancelled first, so that the broker does not send another item.
      let methods = detachAndSettle(index, by: method) + [Slot.close]
      slots[index].handle(.close(isDone ? ended.map { LastItem(ended: $0, settlement: settlement) } : nil))
      let isLast = !slots.contains { $0.hasWorker || $0.mayTakeItem }
      // If nothing else is under way, the close of the connection is the answer, which saves a round trip.
      let endsAll =
        returning.isEmpty && inspection.neighbourSearch == nil && !inspection.selfDeletion.isKnown
        && slots.indices.allSatisfy { $0 == index || slots[$0].isOver }
      return actions + entry + (isLast ? [.endOfWork] : [])
        + [
          .send(slots[index].on(methods) + unmark), .set(.settlementLimit(slot: index), after: Self.settlementLimit),
        ] + (endsAll ? [.closeConnection] : [])
    }
    slots[index].settlementSent(isAck: isDone)
    let wasPausing = pause.isActive
    let pausing = ended.map { beginPause($0, settlement) } ?? []
    guard phase == .serving, !pause.isActive || options.mayDeleteItself, mayTake(index) else {
      let confirmation: [Method] = isDone ? [slots[index].setPrefetch()] : []
      let methods = detachAndSettle(index, by: method) + confirmation
      let limit: [RunnerAction] = isDone ? [.set(.settlementLimit(slot: index), after: Self.settlementLimit)] : []
      return actions + entry + pausing + [.send(slots[index].on(methods) + unmark)] + limit + probeEnded()
    }
    let attach = slots[index].isConsumerAttached ? [] : self.attach(index)
    slots[index].handle(.consume)
    let others = wasPausing && !pause.isActive ? [.cancel(.pause)] + serve() : []
    return actions + entry + pausing + [.send(slots[index].on([method] + attach) + unmark)] + awaitItem() + others
  }

  private mutating func detachAndSettle(_ index: Int, by method: Method) -> [Method] {
    // A queue that was deleted with its last consumer dead-letters nothing.
    if case .basicReject(_, requeue: false) = method, options.mayDeleteItself {
      return [method] + detach(index)
    }
    return detach(index, givingBack: method.requeues ? 1 : 0) + [method]
  }

  private mutating func beginPause(_ ended: EndedJob, _ settlement: Settlement) -> [RunnerAction] {
    guard let duration = pause.settled(ended.outcome, as: settlement) else { return [] }
    let shown = Duration.seconds(duration.components.seconds).text
    let line: LogMessage = "\(pause.failuresInRow) failures in a row: no item is taken for \(shown)"
    return [.set(.pause, after: duration)] + (duration < .seconds(5) ? [] : [said(.notice, line)])
  }

  mutating func pauseEnded() -> [RunnerAction] {
    pause.end()
    return phase == .serving ? serve() : []
  }

  /// The broker has answered the close of the channel, which shows that it took the last ack.
  mutating func settled(in index: Int) -> [RunnerAction] {
    let state = slots[index].state
    guard state.isOne(of: .confirming, .closing) else { return [] }
    slots[index].channelEnded()
    slots[index].handle(.closeAnswered)
    let taken =
      if case .confirming(let word) = state { record(word.ended, as: word.settlement) } else { [RunnerAction]() }
    return [.cancel(.settlementLimit(slot: index))] + taken + resume()
  }

  /// RabbitMQ does not answer the close of a channel after the close of the connection was sent. It still executes the methods
  /// that came before, or refuses them.
  mutating func connectionClosed() -> [RunnerAction] {
    slots.indices.flatMap { settled(in: $0) }
  }

}

extension Method {
  static func ack(_ item: WorkItem) -> Method {
    .basicAck(deliveryTag: item.envelope.deliveryTag, multiple: false)
  }

  /// Gives an item back to its queue.
  fileprivate var requeues: Bool {
    switch self {
    case .basicReject(_, requeue: true), .basicNack(_, multiple: _, requeue: true): true
    default: false
    }
  }
}
