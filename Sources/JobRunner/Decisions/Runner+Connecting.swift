internal import AMQP
internal import Broker
internal import Console

/// Reaching the broker, and finding the queue there.
extension Runner {
  mutating func connect() -> [RunnerAction] {
    phase = .connecting
    return [dial(), .set(.connectLimit, after: options.connectTimeout)]
  }

  private mutating func dial() -> RunnerAction {
    attemptCount += 1
    openSideChannels = []
    let questions = isInspected ? [] : inspect()
    for index in slots.indices { slots[index].opensWithLogin = slots[index].state == .shut }
    return .connect(questions + slots.filter(\.opensWithLogin).flatMap { $0.on([.channelOpen]) })
  }

  /// The login succeeded, and what was sent with it is with the broker.
  mutating func connected(to server: ServerVersion?, now: ContinuousClock.Instant) -> [RunnerAction] {
    connectFailure = nil
    hasLoggedIn = true
    self.server = server
    // A slot may have been shut since, by a worker's end.
    for index in slots.indices where slots[index].state == .shut && slots[index].opensWithLogin {
      slots[index].state = .resting
    }
    guard isInspected else {
      phase = .inspecting
      return isTypeAssumed ? known(policy.standing, .unknown, now: now) : []
    }
    return serve(now: now) + awaitReturns()
  }

  /// Has as many slots as may take items wait for them.
  mutating func serve(now: ContinuousClock.Instant) -> [RunnerAction] {
    // With a connection that is new the limit is its own.
    let isConnected =
      switch phase {
      case .connecting, .inspecting: false
      default: true
      }
    phase = .serving
    var methods: [ChannelMethod] = []
    for index in slots.indices where freeItems > 0 && !isPausing && !isStopping {
      switch slots[index].state {
      case .shut, .resting: methods += slots[index].on(attach(index))
      default: break
      }
    }
    guard !methods.isEmpty else { return slots.contains { $0.state == .waiting } ? awaitItem(now: now) : [] }
    let limit = isConnected ? [RunnerAction.set(.connectLimit, after: options.connectTimeout)] : []
    return [.send(methods)] + limit + awaitItem(now: now)
  }

  /// The broker refused the queue before anything was consumed.
  mutating func queueRefused(_ reason: CloseReason, now: ContinuousClock.Instant) -> [RunnerAction] {
    switch reason.refusal {
    case .nodeIsDown:
      let failure = BrokerFailure(.unreachable, broker: broker, detail: reason.text)
      guard options.waitsForBroker || hasBeenInspected else { return breakOff(.unreachable, "\(failure)") }
      connectFailure = failure
      phase = .connecting
      let actions = [.disconnect] + channelsLost(failure, now: now)
      return isStopping ? actions : actions + [.set(.retry, after: BackOff.longest)]
    case .noQueue where !reason.meansNoCompanion(of: queue):
      let left = startedAt.map { now.duration(to: $0 + options.waitFirst) } ?? .zero
      guard left > .zero, tally.taken == 0 else {
        let advice = options.ownQueue == nil ? "; 'amqp-job declare \(queue.name)' makes it" : " any more"
        return breakOff(.noQueue, "there is no \(place)\(advice)")
      }
      phase = .awaitingQueue
      served(now: now)
      return [.cancel(.connectLimit), .set(.retry, after: min(left, .seconds(1)))]
    default:
      let refusal = ExplainedRefusal(reason, queue: queue.name, place: place)
      return breakOff(refusal.status, refusal.line)
    }
  }

  mutating func retry(now: ContinuousClock.Instant) -> [RunnerAction] {
    switch phase {
    case .connecting: return [dial()]
    case .inspecting where isAwaitingPermission: return [.askForPermission]
    case .awaitingQueue:
      phase = .inspecting
      return mayBeInspected ? inspectAgain(now: now) : serve(now: now)
    default: return []
    }
  }

  mutating func connectLimitReached(now: ContinuousClock.Instant) -> [RunnerAction] {
    // The end has limits of its own.
    guard !isStopping else { return [] }
    switch phase {
    case .connecting, .inspecting, .serving, .looking:
      // Workers that may finish are waited for, and so is what they did. In a pause nothing is asked of the broker.
      let isAsked = phase != .serving || slots.contains { $0.state == .waiting }
      guard !slots.contains(where: \.isBusy), returning.isEmpty, isAsked else {
        return [.set(.connectLimit, after: options.connectTimeout)]
      }
      let silence = BrokerFailure(.unreachable, broker: broker, detail: "it does not answer")
      if options.extent == .forever, hasEverServed, !isRefused {
        let again = RunnerAction.set(.connectLimit, after: options.connectTimeout)
        return phase == .connecting ? [again] : [.disconnect] + connectionFailed(silence, now: now) + [again]
      }
      let what = "\(connectFailure ?? silence), for queue '\(queue.name)'"
      let advice = isRefused ? "; \(connectFailure?.advice ?? "")" : ""
      shutSlots(now: now)
      return [.disconnect]
        + breakOff(
          isRefused ? .notPermitted : .unreachable,
          "\(what)\(advice); gave up after \(options.connectTimeout.text)\(naming: .connectTimeout)")
    default: return []
    }
  }

  /// The channels are gone over which they came.
  mutating func dropEarlyDeliveries(where isGone: (EarlyDelivery) -> Bool) -> [RunnerAction] {
    let gone = earlyDeliveries.filter(isGone)
    earlyDeliveries.removeAll(where: isGone)
    return gone.map { .releaseBody(slot: $0.slot) }
  }

  /// Without a connection there are no channels.
  mutating func shutSlots(now: ContinuousClock.Instant) {
    for index in slots.indices {
      slots[index].channelEnded()
      if !slots[index].hasWorker, !slots[index].isMoving { slots[index].state = .shut }
    }
    inspection = nil
    isAwaitingPermission = false
    search = nil
    targetSearch = nil
    // By the next connection it may be another queue.
    if mayBeInspected { isInspected = false }
    drain.channelLost(now: now)
  }

  mutating func connectionFailed(
    _ failure: BrokerFailure, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    let wasRefused = isRefused
    connectFailure = failure
    if failure.kind == .untrusted || isRefused && !mayBeReplaced {
      shutSlots(now: now)
      let advice = isRefused ? "; \(failure.advice)" : ""
      return breakOff(.notPermitted, "\(failure)\(advice)") + stopOrphans()
    }
    if isRefused, !wasRefused, !isStopping {
      let line = "\(failure); trying again for \(options.connectTimeout.text), as somebody may replace what was refused"
      return [said(.warning, "\(line)")] + attemptFailed(failure, now: now)
    }
    switch phase {
    case .connecting: return attemptFailed(failure, now: now)
    case .inspecting:
      let isAtWork = slots.contains { $0.isBusy || $0.isSettling }
      return isAtWork ? connectionLost(failure, now: now) : attemptFailed(failure, now: now)
    case .serving, .looking, .awaitingQueue: return connectionLost(failure, now: now)
    case .new, .closing, .finished:
      return []
    }
  }

  /// The broker knows us not, or not any more.
  private var isRefused: Bool { connectFailure?.kind == .loginRefused }

  /// The login was good before, and is read from files: when a password changes, one of both is changed first.
  private var mayBeReplaced: Bool { options.credentialsMayChange && hasLoggedIn }

  private mutating func attemptFailed(
    _ failure: BrokerFailure, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    phase = .connecting
    shutSlots(now: now)
    guard !isStopping else { return [] }
    guard options.waitsForBroker || hasBeenInspected else { return breakOff(.unreachable, "\(failure)") }
    let pause = pauseAfterLoss(now: now)
    let level = announce(failure, now: now)
    let limit = level == .info ? "" : "; trying for \(options.connectTimeout.text)"
    return [.log(LogEntry(level, "\(failure)\(limit)")), .set(.retry, after: pause)]
  }

  private mutating func connectionLost(
    _ failure: BrokerFailure, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    var actions = channelsLost(failure, now: now)
    guard !isStopping, freeItems > 0 || slots.contains(where: \.isBusy) else { return actions }
    if options.ownQueue != nil { return actions + ownQueueLost(failure) }
    actions += [
      said(.warning, "\(failure); connecting again"), .cancel(.idle), .cancel(.look), .cancel(.retry),
    ]
    let pause = pauseAfterLoss(now: now)
    (outage.isAnnounced, reported[.broker]) = (true, now)
    phase = .connecting
    let limit = RunnerAction.set(.connectLimit, after: outage.left(of: options.connectTimeout, now: now))
    return actions + [pause == .zero ? dial() : .set(.retry, after: pause), limit]
  }

  mutating func pauseAfterLoss(now: ContinuousClock.Instant) -> Duration {
    outage.lost(now: now, timeout: options.connectTimeout, chance: chance())
  }

  /// The broker has said something of the queue.
  mutating func served(now: ContinuousClock.Instant) {
    hasEverServed = true
    outage.served(now: now)
  }

  /// What goes with the channels: items in hand, copies on their way, and acks that nothing has confirmed.
  private mutating func channelsLost(
    _ failure: BrokerFailure, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    var actions = copiesLost(in: Array(slots.indices)) + dropEarlyDeliveries { _ in true }
    var isSettlementLost = false
    for index in slots.indices {
      let slot = slots[index]
      switch slot.state {
      case .working(let job): actions += workerDisconnected(job, in: index)
      case .moving(let moving): actions += moveAbandoned(moving, in: index, why: failure.description, now: now)
      case .closing(.some): isSettlementLost = true
      case .holding: actions.append(.releaseBody(slot: index))
      default:
        guard slot.isAckUnconfirmed else { continue }
        isSettlementLost = true
        tally.ackLost()
      }
    }
    let isStopped = slots.contains { $0.state == .abandoning }
    shutSlots(now: now)
    let status: ExitStatus = failure.isAboutCredentials ? .notPermitted : .temporaryFailure
    if isStopped {
      actions += breakOff(
        status,
        "\(failure); the worker is stopped, "
          + (options.ownQueue == nil
            ? "others get its item of queue '\(queue.name)'" : "its item went with queue '\(queue.name)'"))
    } else if isSettlementLost {
      actions += breakOff(
        status, "\(failure); items already done may be run again, their acks are unconfirmed")
    } else {
      actions += breakOffVoidLooks(now: now)
    }
    return actions
  }
}
