internal import AMQP
internal import Broker
internal import Console

/// Waiting for items, and finding out that there are none.
extension Runner {
  /// The longest time that an item takes from the queue to this runner, if there is an item.
  static let idlePeriod: Duration = .milliseconds(250)

  mutating func consuming(in index: Int) -> [RunnerAction] {
    served()
    answered(in: index)
    slots[index].consumerConfirmed()
    // A probe ends only with its last answer.
    let isAnswered = phase == .serving
    let limit: [RunnerAction] = isAnswered ? [.cancel(.connectLimit)] : []
    if slots[index].state == .cancelling { return limit + [.send(withdraw(index))] }
    return limit + (isAnswered ? awaitItem() : [])
  }

  /// A consumer is attached and no item is in hand. Either an item comes, or the idle timer elapses.
  mutating func awaitItem() -> [RunnerAction] {
    report.idle(now: now)
    return [.set(.idle, after: idlePeriod())]
  }

  private func idlePeriod() -> Duration {
    guard tally.taken == 0 else { return Self.idlePeriod }
    return max(Self.idlePeriod, now.duration(to: report.startedAt + options.waitFirst))
  }

  /// No item has come. The acks that the next item would have confirmed are confirmed by a question, and then the queue is probed.
  mutating func idled() -> [RunnerAction] {
    guard phase == .serving, !isStopping else { return [] }
    let unconfirmed = slots.indices.filter { slots[$0].state == .consuming && slots[$0].isAckUnconfirmed }
    let unasked = unconfirmed.filter { !slots[$0].isAskedAfterAck }
    let confirmations: [RunnerAction] = unasked.flatMap { index in
      [
        .send(slots[index].on([slots[index].setPrefetch()])),
        .set(.settlementLimit(slot: index), after: options.connection.connectTimeout),
      ]
    }
    guard unconfirmed.isEmpty else { return confirmations + awaitItem() }
    guard options.endsWhenDrained, !pause.isActive, !slots.contains(where: \.isBusy) else { return [] }
    return inspection.isComplete ? probe() : awaitItem()
  }

  /// The broker has answered a question that was sent after an ack.
  mutating func prefetchAnswered(in index: Int) -> [RunnerAction] {
    let isAckTaken = slots[index].prefetchAnswered()
    guard !slots[index].isBusy else { return askedBeforeMove(in: index) }
    guard isAckTaken else { return [] }
    answered(in: index)
    return [.cancel(.settlementLimit(slot: index))]
  }

  // MARK: Probing

  /// Begins to probe whether the queue is drained. If no consumer is attached, one is attached first.
  mutating func probe() -> [RunnerAction] {
    guard let prober else { return [] }
    phase = .probing
    let limit = RunnerAction.set(.connectLimit, after: options.connection.connectTimeout)
    let search = searchNeighbours() + searchRetryLevels()
    guard inspection.neighbourSearch == nil, !inspection.retryLevels.isAsking else { return search + [limit] }
    guard inspection.neighbours != .hidden || policy.hasRetries else { return breakOffUnseen() }
    let questions = slots[prober].isConsumerAttached ? beginProbe(prober) : drain.sense()
    return [.send(slots[prober].on(questions)), limit]
  }

  private var prober: Int? { slots.firstIndex { $0.state == .consuming || $0.state == .idle } }

  private mutating func beginProbe(_ prober: Int) -> [Method] {
    let attach = slots[prober].isConsumerAttached ? [] : self.attach(prober)
    return attach
      + drain.begin(ownConsumers: slots.count(where: \.isConsumerAttached), retryQueues: retryQueues)
  }

  /// The broker has answered one of a probe's questions.
  mutating func probeAnswered(_ answer: Drain.Answer) -> [RunnerAction] {
    guard let next = drain.take(answer, now: now), phase == .probing else { return [] }
    switch next {
    case .begin:
      guard let prober else { return [] }
      return [.send(slots[prober].on(beginProbe(prober)))]
    case .ask(let questions):
      guard let prober else { return [] }
      return [.send(slots[prober].on(questions))]
    case .found(.items):
      return [.cancel(.connectLimit)] + serve()
    case .found:
      let methods = slots.indices.flatMap { slots[$0].state == .consuming ? withdraw($0) : [] }
      return methods.isEmpty ? probeEnded() : [.send(methods)]
    }
  }

  /// A probe has taken an item from the retry queue, which goes back there.
  mutating func gotInProbe(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    // Meanwhile the slot may have got an item of the queue.
    let release = slots[index].isBusy ? [] : [RunnerAction.releaseBody(slot: index)]
    return release + [.send(slots[index].on([Self.requeue(item)]))] + probeAnswered(.message)
  }

  /// Acts on a probe's finding when the consumers are gone. An item that came to one of them at the last moment is in hand by then.
  mutating func probeEnded() -> [RunnerAction] {
    guard phase == .probing, !isStopping, let finding = drain.finding else { return [] }
    guard slots.allSatisfy({ $0.state.isOne(of: .idle, .noChannel, .closed) }) else { return [] }
    let answered = RunnerAction.cancel(.connectLimit)
    switch finding {
    case .drained:
      stop.queueDrained()
      return [answered]
    case .items:
      return [answered] + serve()
    case .inconclusive, .retries, .otherConsumers, .returning, .empty:
      let end = breakOffInconclusiveProbes()
      guard end.isEmpty else { return [answered] + end }
      return [answered] + forgetMarks() + [.set(.probe, after: pause.beforeProbe)]
    }
  }

  /// Inconclusive probes do not go on without a limit.
  mutating func breakOffInconclusiveProbes() -> [RunnerAction] {
    guard let since = drain.inconclusiveSince, now >= since + options.connection.connectTimeout else { return [] }
    return breakOff(.unreachable, "\(queueLabel) gives no answer that can be trusted: its leader is away, or too slow")
  }

  /// Goes on after a slot has finished something.
  mutating func resume() -> [RunnerAction] {
    switch phase {
    case .serving where !isStopping: serve()
    case .probing: probeEnded()
    default: []
    }
  }
}
