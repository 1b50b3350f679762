internal import AMQP
internal import Broker
internal import Console

/// Waiting for items, and seeing that there are none.
extension Runner {
  /// What an item takes at most from the queue to us, when there is one.
  static let idlePeriod: Duration = .milliseconds(250)

  mutating func consuming(in index: Int) -> [RunnerAction] {
    served()
    answered(in: index)
    slots[index].consumerConfirmed()
    if slots[index].state == .cancelling { return [.send(withdraw(index))] }
    // A look is over only with its last answer.
    guard phase == .serving else { return [] }
    return [.cancel(.connectLimit)] + awaitItem()
  }

  /// A consumer is attached, with nothing in hand: an item comes, or it does not.
  mutating func awaitItem() -> [RunnerAction] {
    report.idle(now: now)
    return [.set(.idle, after: idlePeriod())]
  }

  private func idlePeriod() -> Duration {
    guard tally.taken == 0 else { return Self.idlePeriod }
    return max(Self.idlePeriod, now.duration(to: report.startedAt + options.waitFirst))
  }

  /// Nothing has come: acks that only the next item would have confirmed are asked after, and the queue is looked at.
  mutating func idled() -> [RunnerAction] {
    guard phase == .serving, !isStopping else { return [] }
    let unconfirmed = slots.indices.filter { slots[$0].state == .consuming && slots[$0].isAckUnconfirmed }
    let unasked = unconfirmed.filter { !slots[$0].isAskedAfterAck }
    let probes: [RunnerAction] = unasked.flatMap { index in
      [
        .send(slots[index].on([slots[index].setPrefetch()])),
        .set(.settlementLimit(slot: index), after: options.connectTimeout),
      ]
    }
    guard unconfirmed.isEmpty else { return probes + awaitItem() }
    guard options.endsWhenDrained, !pause.isActive, !slots.contains(where: \.isBusy) else { return [] }
    return inspection.isComplete ? look() : awaitItem()
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
    guard inspection.neighbourSearch == nil else { return search + [limit] }
    guard inspection.neighbours != .hidden || policy.hasRetries else { return breakOffUnseen() }
    let questions = slots[looker].isConsumerAttached ? beginLook(looker) : drain.sense()
    return [.send(slots[looker].on(questions)), limit]
  }

  private var looker: Int? { slots.firstIndex { $0.state == .consuming || $0.state == .idle } }

  private mutating func beginLook(_ looker: Int) -> [Method] {
    let attach = slots[looker].isConsumerAttached ? [] : self.attach(looker)
    return attach
      + drain.begin(ownConsumers: slots.count(where: \.isConsumerAttached), hasRetries: policy.hasRetries)
  }

  /// An answer to a look's questions.
  mutating func looking(_ answer: Drain.Answer) -> [RunnerAction] {
    guard let next = drain.take(answer, now: now), phase == .looking else { return [] }
    switch next {
    case .begin:
      guard let looker else { return [] }
      return [.send(slots[looker].on(beginLook(looker)))]
    case .ask(let questions):
      guard let looker else { return [] }
      return [.send(slots[looker].on(questions))]
    case .found(.items):
      return [.cancel(.connectLimit)] + serve()
    case .found:
      let methods = slots.indices.flatMap { slots[$0].state == .consuming ? withdraw($0) : [] }
      return methods.isEmpty ? looked() : [.send(methods)]
    }
  }

  /// What a look took from the retry queue goes back there.
  mutating func gotInLook(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    // The slot may have an item of the queue by now.
    let release = slots[index].isBusy ? [] : [RunnerAction.releaseBody(slot: index)]
    return release + [.send(slots[index].on([Self.giveBack(item)]))] + looking(.message)
  }

  /// Once our consumers are gone, an item that came to one in its last moment would be in hand.
  mutating func looked() -> [RunnerAction] {
    guard phase == .looking, !isStopping, let finding = drain.finding else { return [] }
    guard slots.allSatisfy({ $0.state.isOne(of: .idle, .noChannel, .closed) }) else { return [] }
    let answered = RunnerAction.cancel(.connectLimit)
    switch finding {
    case .drained:
      stop.queueDrained()
      return [answered]
    case .items:
      return [answered] + serve()
    case .inconclusive, .retries, .otherConsumers, .returning, .empty:
      let end = breakOffVoidLooks()
      guard end.isEmpty else { return [answered] + end }
      return [answered] + forgetMarks() + [.set(.look, after: pause.beforeProbe)]
    }
  }

  /// Looks that do not count are not gone on with for ever.
  mutating func breakOffVoidLooks() -> [RunnerAction] {
    guard let since = drain.inconclusiveSince, now >= since + options.connectTimeout else { return [] }
    return breakOff(.unreachable, "\(place) gives no answer that can be trusted: its leader is away, or too slow")
  }

  /// Goes on after a slot is through with something.
  mutating func resume() -> [RunnerAction] {
    switch phase {
    case .serving where !isStopping: serve()
    case .looking: looked()
    default: []
    }
  }
}
