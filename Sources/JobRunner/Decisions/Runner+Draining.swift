internal import AMQP
internal import Arguments
internal import Broker

/// Waiting for items, and seeing that there are none.
extension Runner {
  /// What an item takes at most from the queue to us, when there is one.
  static let idlePeriod: Duration = .milliseconds(250)

  mutating func consuming(in index: Int, now: ContinuousClock.Instant) -> [RunnerAction] {
    served(now: now)
    answered(in: index)
    slots[index].consumerConfirmed()
    if slots[index].state == .withdrawing { return [.send(withdraw(index))] }
    // A look is over only with its last answer.
    guard phase == .serving else { return [] }
    return [.cancel(.connectLimit)] + awaitItem(now: now)
  }

  /// A consumer is attached, with nothing in hand: an item comes, or it does not.
  mutating func awaitItem(now: ContinuousClock.Instant) -> [RunnerAction] {
    idleSince = idleSince ?? now
    return [.set(.idle, after: idlePeriod(now: now))]
  }

  private func idlePeriod(now: ContinuousClock.Instant) -> Duration {
    guard tally.taken == 0, let startedAt else { return Self.idlePeriod }
    return max(Self.idlePeriod, now.duration(to: startedAt + options.waitFirst))
  }

  /// Nothing has come: acks that only the next item would have confirmed are asked after, and the queue is looked at.
  mutating func idled(now: ContinuousClock.Instant) -> [RunnerAction] {
    guard phase == .serving, !isStopping else { return [] }
    let unconfirmed = slots.indices.filter { slots[$0].state == .waiting && slots[$0].isAckUnconfirmed }
    let unasked = unconfirmed.filter { !slots[$0].isAskedAfterAck }
    let probes: [RunnerAction] = unasked.flatMap { index in
      [
        .send(slots[index].on([slots[index].setPrefetch()])),
        .set(.settlementLimit(slot: index), after: options.connectTimeout),
      ]
    }
    guard unconfirmed.isEmpty else { return probes + awaitItem(now: now) }
    guard options.endsWhenDrained, !isPausing, !slots.contains(where: \.isBusy) else { return [] }
    return isInspected ? look() : awaitItem(now: now)
  }

  /// The broker has answered what was sent behind an ack.
  mutating func probed(in index: Int) -> [RunnerAction] {
    let isAckTaken = slots[index].prefetchAnswered()
    guard !slots[index].isBusy else { return askedBeforeMove(in: index) }
    guard isAckTaken else { return [] }
    answered(in: index)
    return [.cancel(.settlementLimit(slot: index))]
  }

  // MARK: Looking

  /// Begins a look whether the queue is drained, with the consumers that there are, or one.
  mutating func look() -> [RunnerAction] {
    guard let looker else { return [] }
    phase = .looking
    let limit = RunnerAction.set(.connectLimit, after: options.connectTimeout)
    let search = searchNeighbours()
    guard self.search == nil else { return search + [limit] }
    guard neighbours != .hidden || policy.hasRetries else { return breakOffUnseen() }
    let questions = slots[looker].isConsumerAttached ? beginLook(looker) : drain.sense()
    return [.send(slots[looker].on(questions)), limit]
  }

  private var looker: Int? { slots.firstIndex { $0.state == .waiting || $0.state == .resting } }

  private mutating func beginLook(_ looker: Int) -> [Method] {
    let attach = slots[looker].isConsumerAttached ? [] : self.attach(looker)
    return attach
      + drain.begin(ownConsumers: slots.count(where: \.isConsumerAttached), hasRetries: policy.hasRetries)
  }

  /// An answer to a look's questions.
  mutating func looking(_ answer: Drain.Answer, now: ContinuousClock.Instant) -> [RunnerAction] {
    guard let next = drain.take(answer, now: now), phase == .looking else { return [] }
    switch next {
    case .begin:
      guard let looker else { return [] }
      return [.send(slots[looker].on(beginLook(looker)))]
    case .ask(let questions):
      guard let looker else { return [] }
      return [.send(slots[looker].on(questions))]
    case .found(.items):
      return [.cancel(.connectLimit)] + serve(now: now)
    case .found:
      let methods = slots.indices.flatMap { slots[$0].state == .waiting ? withdraw($0) : [] }
      return methods.isEmpty ? looked(now: now) : [.send(methods)]
    }
  }

  /// What a look took from the retry queue goes back there.
  mutating func gotInLook(_ item: WorkItem, in index: Int, now: ContinuousClock.Instant) -> [RunnerAction] {
    // The slot may have an item of the queue by now.
    let release = slots[index].isBusy ? [] : [RunnerAction.releaseBody(slot: index)]
    return release + [.send(slots[index].on([Self.giveBack(item)]))] + looking(.message, now: now)
  }

  /// Once our consumers are gone, an item that came to one in its last moment would be in hand.
  mutating func looked(now: ContinuousClock.Instant) -> [RunnerAction] {
    guard phase == .looking, !isStopping, let finding = drain.finding else { return [] }
    guard slots.allSatisfy({ [.resting, .shut, .closed].contains($0.state) }) else { return [] }
    let answered = RunnerAction.cancel(.connectLimit)
    switch finding {
    case .drained:
      isDrained = true
      return [answered]
    case .items:
      return [answered] + serve(now: now)
    case .inconclusive, .retries, .otherConsumers, .returning, .empty:
      let end = breakOffVoidLooks(now: now)
      guard end.isEmpty else { return [answered] + end }
      return [answered] + forgetMarks(now: now) + [.set(.look, after: Drain.pause + Drain.pause * chance() / 4)]
    }
  }

  /// Looks that do not count are not gone on with for ever.
  mutating func breakOffVoidLooks(now: ContinuousClock.Instant) -> [RunnerAction] {
    guard let since = drain.inconclusiveSince, now >= since + options.connectTimeout else { return [] }
    return breakOff(.unreachable, "\(place) gives no answer that can be trusted: its leader is away, or too slow")
  }

  // MARK: What the broker ends

  /// The broker ended our consumer: the queue was deleted, or moved, or the item took too long.
  mutating func consumerCancelled(
    _ tag: ByteString, in index: Int, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    let slot = slots[index]
    guard tag == slot.consumerTag else { return [] }
    slots[index].consumerEnded()
    switch slot.state {
    case .working:
      return abandon(
        index, .itemTakenBack,
        "the broker took the item back from \(place) (consumer timeout, or the queue was deleted): "
          + "the worker is stopped; if it needs more time, the queue needs a longer one ('amqp-job declare --consumer-timeout')"
      )
    case .waiting where slot.isAckUnconfirmed, .resting where slot.isAckUnconfirmed,
      .withdrawing where slot.isAckUnconfirmed:
      slots[index].state = .closed
      tally.ackLost()
      return ackRefused(why: "the broker took the item back first")
    case .waiting:
      // Should the queue be gone, the answer is that there is none.
      drain.interrupt()
      slots[index].state = .resting
      let stop: [RunnerAction] = [.cancel(.idle), .cancel(.look)]
      return stop + (mayBeInspected ? inspectAgain(now: now) : serve(now: now))
    case .moving(let moving):
      let actions =
        copiesLost(in: [index])
        + moveAbandoned(moving, in: index, why: "the broker took the item back", now: now)
      slots[index].state = isStopping ? .closed : .resting
      return actions + resume(now: now)
    case .closing(.some):
      slots[index].state = .closed
      return ackRefused(why: "the broker took the item back first")
    case .holding:
      slots[index].state = .resting
      return [.releaseBody(slot: index)] + resume(now: now)
    case .withdrawing:
      return withdrawn(tag, in: index, now: now)
    default: return []
    }
  }

  /// The broker closed the channel, and with it gave back whatever we held there.
  mutating func channelClosed(
    _ reason: CloseReason, in index: Int, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    let slot = slots[index]
    let early = copiesLost(in: [index]) + dropEarlyDeliveries { $0.slot == index }
    slots[index].channelEnded()
    switch slot.state {
    case .working:
      let advice = reason.isAboutConsumerTimeout ? "; raise the broker's consumer_timeout if it needs more time" : ""
      return abandon(
        index, .itemTakenBack,
        "the broker took the item back from \(place): \(reason.text); the worker is stopped\(advice)")
    case .moving(let moving):
      return early + moveAbandoned(moving, in: index, why: reason.text, now: now) + resume(now: now)
    case .holding:
      slots[index].state = isStopping ? .closed : .shut
      return [.releaseBody(slot: index)] + resume(now: now)
    case .orphaned, .abandoning, .closed, .shut:
      return []
    case .closing(let word):
      slots[index].state = .closed
      return [.cancel(.settlementLimit(slot: index))] + (word == nil ? resume(now: now) : ackRefused(why: reason.text))
    case .resting, .waiting, .withdrawing:
      slots[index].state = isStopping ? .closed : .shut
      if phase == .looking { drain.channelLost(now: now) }
      if slot.isAckUnconfirmed {
        tally.ackLost()
        return early + ackRefused(why: reason.text)
      }
      guard !isStopping, phase != .awaitingQueue else { return early }
      return early + queueRefused(reason, now: now)
    }
  }

  private mutating func ackRefused(why: String) -> [RunnerAction] {
    breakOff(
      .itemTakenBack, "the broker may not have taken the last ack in \(place), the item will be run again: \(why)")
  }

  /// Goes on after a slot is through with something.
  mutating func resume(now: ContinuousClock.Instant) -> [RunnerAction] {
    switch phase {
    case .serving where !isStopping: serve(now: now)
    case .looking: looked(now: now)
    default: []
    }
  }
}
