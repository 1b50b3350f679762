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
    _ standardError: String? = nil
  ) -> [RunnerAction] {
    let cancels: [RunnerAction] = [.cancel(.grace(slot: index)), .cancel(.workerLimit(slot: index))]
    let ended = EndedJob(
      item: job.item, outcome: outcome, what: what, status: status, duration: job.startedAt.duration(to: now),
      standardError: standardError)
    if case .orphaned = slots[index].state { return cancels + orphanEnded(ended, in: index) }
    return cancels + settle(ended, in: index, by: policy.settlement(of: ended))
  }

  mutating func settle(
    _ ended: EndedJob, in index: Int, by settlement: AttemptPolicy.Settlement
  ) -> [RunnerAction] {
    tally.count(ended.outcome)
    switch settlement {
    case .acknowledge: return release(index, by: .ack(ended.item), of: ended.item, ended, .acked)
    case .giveBack: return release(index, by: Self.giveBack(ended), of: ended.item, ended, .givenBack)
    case .reject:
      let reject = Method.basicReject(deliveryTag: ended.item.envelope.deliveryTag, requeue: false)
      return release(index, by: reject, of: ended.item, ended, .rejected)
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
    slots[index].handle(.copy(moving))
    // Told to end with nothing in hand, we end at once.
    let limit = moving.isUnwanted && stop.signal != nil ? Self.withdrawalLimit : Self.settlementLimit
    let begin = asking ? .send(slots[index].on([slots[index].setPrefetch()])) : publishCopy(moving, in: index)
    return [begin, .set(.settlementLimit(slot: index), after: limit)]
  }

  private mutating func publishCopy(_ moving: MovingItem, in index: Int) -> RunnerAction {
    slots[index].copyPublished()
    return .move(moving.item, moving.move, slot: index)
  }

  /// The channel has answered, and so the item can be settled on it.
  mutating func askedBeforeMove(in index: Int) -> [RunnerAction] {
    guard let moving = slots[index].takeAnsweredCopy() else { return [] }
    return [publishCopy(moving, in: index), .set(.settlementLimit(slot: index), after: Self.settlementLimit)]
  }

  /// The broker has answered something that was sent on the slot's channel after its last item.
  mutating func answered(in index: Int) {
    if slots[index].isCopyUnsettled { copyState.settled() }
    slots[index].ackTaken()
  }

  /// A large copy takes its time; but who was told to end has limits of its own.
  func moveAdvanced(in index: Int) -> [RunnerAction] {
    guard slots[index].isCopying, stop.signal == nil else { return [] }
    return [.set(.settlementLimit(slot: index), after: Self.settlementLimit)]
  }

  /// The copy is in its queue, and only now the item leaves this one.
  mutating func moveConfirmed(in index: Int) -> [RunnerAction] {
    guard case .copying(let moving) = slots[index].state, !moving.isAsking else { return [] }
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
    return unrun + release(index, by: .ack(moving.item), of: moving.item, moving.ended, disposal)
  }

  /// The copy may be there, or its mark, and so may be one more with each item that is tried again.
  mutating func moveUnconfirmed(
    _ reason: String, in index: Int
  ) -> [RunnerAction] {
    guard case .copying(let moving) = slots[index].state else { return [] }
    let end = moving.isAsking ? [] : copiesLost(in: [index])
    return end + moveFailed(reason, in: index)
  }

  /// There may be no copy, so the item itself goes back. One that nobody has run yet is run: what keeps copies from being
  /// published may have kept its last runners from it, too, and so have used its attempts up.
  mutating func moveFailed(
    _ reason: String, in index: Int
  ) -> [RunnerAction] {
    guard case .copying(let moving) = slots[index].state else { return [] }
    let target = moving.move.destination.destination(of: moving.item)
    let otherwise = moving.isUnwanted ? "; it is given back itself, which the broker may count" : ""
    let warning = said(
      .warning, "no copy of the item of \(place) could be published to \(target): \(reason)\(otherwise)")
    let cancel = RunnerAction.cancel(.settlementLimit(slot: index))
    slots[index].copyLost()
    if moving.isUnrun, !moving.isUnwanted, !isStopping {
      return [cancel, warning] + startWorker(on: moving.item, in: index)
    }
    let ended = moving.isUnrun ? nil : moving.ended
    let method = ended.map(Self.giveBack) ?? Self.giveBack(moving.item)
    return [warning] + release(index, by: method, of: moving.item, ended, .givenBack)
  }

  /// The same, where the broker has said why.
  mutating func moveRefused(_ reason: CloseReason, in index: Int) -> [RunnerAction] {
    guard reason.refusal == .notPermitted, case .copying(let moving) = slots[index].state else {
      return moveFailed(reason.text, in: index)
    }
    let exchange = moving.move.destination.destination(of: moving.item).exchange
    let end = breakOff(
      .notPermitted,
      "no permission to publish a copy of an item of \(place): \(reason.text); the item goes back as it is; grant the user the "
        + "write permission on '\(exchange.isEmpty ? "amq.default" : exchange)'")
    let ended = moving.isUnrun ? nil : moving.ended
    let method = ended.map(Self.giveBack) ?? Self.giveBack(moving.item)
    return end + release(index, by: method, of: moving.item, ended, .givenBack)
  }

  /// A broker that is short of memory or disk takes the copies that are under way when it has room again, even
  /// of a client that is gone. So they are waited for, until we are told to end.
  mutating func movesBlocked(_ reason: String?) -> [RunnerAction] {
    copyState.blocked(reason)
    let state = reason.map { "takes no copies for now (\($0)): waiting" } ?? "takes copies again"
    let limits = slots.indices.filter { slots[$0].isCopying }.map { index in
      RunnerAction.set(.settlementLimit(slot: index), after: Self.settlementLimit)
    }
    return [said(.notice, "the broker at \(broker) \(state)")] + limits
  }

  // MARK: The last word

  /// The slot's item is settled by `method`, and the slot goes on to the next one, rests, or has had its last.
  mutating func release(
    _ index: Int, by method: Method, of item: WorkItem, _ ended: EndedJob?, _ disposal: Disposal
  ) -> [RunnerAction] {
    let unmark = unmark(item, disposal)
    let isDone = ended?.outcome == .done
    if ended != nil { session.outage.settled() }
    slots[index].handle(.settle)
    let isLastOfSlot = isStopping || freeItems <= 0
    // Of the last ack that is said once the broker has taken it.
    let entry = isDone && isLastOfSlot ? [] : ended.map { disposed(of: $0, as: disposal) } ?? []
    let actions: [RunnerAction] = [.releaseBody(slot: index), .cancel(.settlementLimit(slot: index))]
    if isLastOfSlot {
      // The consumer is cancelled before the broker can see room for another item.
      let methods = detachAndSettle(index, by: method) + [Slot.close]
      slots[index].handle(.close(isDone ? ended.map { LastWord(ended: $0, disposal: disposal) } : nil))
      let isLast = !slots.contains { $0.hasWorker || $0.mayTakeItem }
      // Then the connection's end is the answer, and not another one after that.
      let endsAll =
        returning.isEmpty && inspection.neighbourSearch == nil
        && slots.indices.allSatisfy { $0 == index || slots[$0].isOver }
      return actions + entry + (isLast ? [.endOfWork] : [])
        + [
          .send(slots[index].on(methods) + unmark), .set(.settlementLimit(slot: index), after: Self.settlementLimit),
        ] + (endsAll ? [.closeConnection] : [])
    }
    slots[index].settlementSent(isAck: isDone)
    let wasPausing = pause.isActive
    let pausing = ended == nil ? [] : beginPause()
    guard phase == .serving, !pause.isActive || options.mayDeleteItself else {
      let probe: [Method] = isDone ? [slots[index].setPrefetch()] : []
      let methods = detachAndSettle(index, by: method) + probe
      let limit: [RunnerAction] = isDone ? [.set(.settlementLimit(slot: index), after: Self.settlementLimit)] : []
      return actions + entry + pausing + [.send(slots[index].on(methods) + unmark)] + limit + looked()
    }
    let attach = slots[index].isConsumerAttached ? [] : self.attach(index)
    slots[index].handle(.consume)
    let others = wasPausing && !pause.isActive ? [.cancel(.pause)] + serve() : []
    return actions + entry + pausing + [.send(slots[index].on([method] + attach) + unmark)] + awaitItem() + others
  }

  private mutating func detachAndSettle(_ index: Int, by method: Method) -> [Method] {
    // A queue that has gone with its last consumer dead-letters nothing any more.
    if case .basicReject(_, requeue: false) = method, options.mayDeleteItself {
      return [method] + slots[index].detach()
    }
    return slots[index].detach() + [method]
  }

  private mutating func beginPause() -> [RunnerAction] {
    pause.begin(failuresInRow: tally.failuresInRow).map { [.set(.pause, after: $0)] } ?? []
  }

  mutating func pauseEnded() -> [RunnerAction] {
    pause.end()
    return phase == .serving ? serve() : []
  }

  /// The channel's end was the broker's word.
  mutating func settled(in index: Int) -> [RunnerAction] {
    let state = slots[index].state
    guard state.isOne(of: .confirming, .closing) else { return [] }
    slots[index].channelEnded()
    slots[index].handle(.closeAnswered)
    let taken =
      if case .confirming(let word) = state { disposed(of: word.ended, as: word.disposal) } else { [RunnerAction]() }
    return [.cancel(.settlementLimit(slot: index))] + taken + resume()
  }

  /// RabbitMQ does not answer the close of a channel any more when it has been told to close the connection. It does what came
  /// before all the same, and refuses what it refuses.
  mutating func connectionClosed() -> [RunnerAction] {
    slots.indices.flatMap { settled(in: $0) }
  }

}

extension Method {
  static func ack(_ item: WorkItem) -> Method {
    .basicAck(deliveryTag: item.envelope.deliveryTag, multiple: false)
  }
}
