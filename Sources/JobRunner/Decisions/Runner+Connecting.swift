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
    session.dialled()
    inspection.dialled()
    let questions = inspection.isComplete ? [] : inspect()
    for index in slots.indices { slots[index].prepareLogin() }
    return .connect(questions + slots.filter(\.opensWithLogin).flatMap { $0.on([.channelOpen]) })
  }

  /// The login succeeded, and what was sent with it is with the broker.
  mutating func connected(to server: ServerVersion?) -> [RunnerAction] {
    session.loggedIn(to: server)
    for index in slots.indices { slots[index].loggedIn() }
    guard inspection.isComplete else {
      phase = .inspecting
      return isTypeAssumed ? known(policy.standing, .unknown) : []
    }
    return serve() + awaitReturns()
  }

  /// Has as many slots as may take items wait for them.
  mutating func serve() -> [RunnerAction] {
    // With a connection that is new the limit is its own.
    let isConnected =
      switch phase {
      case .connecting, .inspecting: false
      default: true
      }
    phase = .serving
    var methods: [ChannelMethod] = []
    for index in slots.indices where freeItems > 0 && !pause.isActive && !isStopping {
      switch slots[index].state {
      case .noChannel, .idle: methods += slots[index].on(attach(index))
      default: break
      }
    }
    guard !methods.isEmpty else { return slots.contains { $0.state == .consuming } ? awaitItem() : [] }
    let limit = isConnected ? [RunnerAction.set(.connectLimit, after: options.connectTimeout)] : []
    return [.send(methods)] + limit + awaitItem()
  }

  /// The broker refused the queue before anything was consumed.
  mutating func queueRefused(_ reason: CloseReason) -> [RunnerAction] {
    switch reason.refusal {
    case .nodeIsDown:
      let failure = BrokerFailure(.unreachable, broker: broker, detail: reason.text)
      guard options.waitsForBroker || inspection.wasComplete else { return breakOff(.unreachable, "\(failure)") }
      session.failed(failure)
      phase = .connecting
      let actions = [.disconnect] + channelsLost(failure)
      return isStopping ? actions : actions + [.set(.retry, after: BackOff.maxPause)]
    case .noQueue where !reason.meansNoCompanion(of: queue):
      let left = now.duration(to: report.startedAt + options.waitFirst)
      guard left > .zero, tally.taken == 0 else {
        let advice = options.ownQueue == nil ? "; 'amqp-job declare \(queue.name)' makes it" : " any more"
        return breakOff(.noQueue, "there is no \(place)\(advice)")
      }
      phase = .awaitingQueue
      served()
      return [.cancel(.connectLimit), .set(.retry, after: min(left, .seconds(1)))]
    default:
      let refusal = ExplainedRefusal(reason, queue: queue.name, place: place)
      return breakOff(refusal.status, refusal.line)
    }
  }

  mutating func retry() -> [RunnerAction] {
    switch phase {
    case .connecting: return [dial()]
    case .inspecting where inspection.isAwaitingPermission: return [.askForPermission]
    case .awaitingQueue:
      phase = .inspecting
      return mayBeInspected ? inspectAgain() : serve()
    default: return []
    }
  }

  mutating func connectLimitReached() -> [RunnerAction] {
    // The end has limits of its own.
    guard !isStopping else { return [] }
    switch phase {
    case .connecting, .inspecting, .serving, .looking:
      // Workers that may finish are waited for, and so is what they did. In a pause nothing is asked of the broker.
      let isAsked = phase != .serving || slots.contains { $0.state == .consuming }
      guard !slots.contains(where: \.isBusy), returning.isEmpty, isAsked else {
        return [.set(.connectLimit, after: options.connectTimeout)]
      }
      let silence = BrokerFailure(.unreachable, broker: broker, detail: "it does not answer")
      if options.extent == .forever, session.hasServed, !session.isRefused {
        let again = RunnerAction.set(.connectLimit, after: options.connectTimeout)
        return phase == .connecting ? [again] : [.disconnect] + connectionFailed(silence) + [again]
      }
      let what = "\(session.failure ?? silence), for queue '\(queue.name)'"
      let advice = session.isRefused ? "; \(session.failure?.advice ?? "")" : ""
      shutSlots()
      return [.disconnect]
        + breakOff(
          session.isRefused ? .notPermitted : .unreachable,
          "\(what)\(advice); gave up after \(options.connectTimeout.text)\(naming: .connectTimeout)")
    default: return []
    }
  }

  mutating func connectionFailed(
    _ failure: BrokerFailure
  ) -> [RunnerAction] {
    let wasRefused = session.isRefused
    session.failed(failure)
    if failure.kind == .untrusted || session.isRefused && !mayBeReplaced {
      shutSlots()
      let advice = session.isRefused ? "; \(failure.advice)" : ""
      return breakOff(.notPermitted, "\(failure)\(advice)") + stopOrphans()
    }
    if session.isRefused, !wasRefused, !isStopping {
      let line = "\(failure); trying again for \(options.connectTimeout.text), as somebody may replace what was refused"
      return [said(.warning, "\(line)")] + attemptFailed(failure)
    }
    switch phase {
    case .connecting: return attemptFailed(failure)
    case .inspecting:
      let isAtWork = slots.contains { $0.isBusy || $0.isSettling }
      return isAtWork ? connectionLost(failure) : attemptFailed(failure)
    case .serving, .looking, .awaitingQueue: return connectionLost(failure)
    case .new, .closing, .finished:
      return []
    }
  }

  /// The login was good before, and is read from files: when a password changes, one of both is changed first.
  private var mayBeReplaced: Bool { options.credentialsMayChange && session.hasLoggedIn }

  private mutating func attemptFailed(
    _ failure: BrokerFailure
  ) -> [RunnerAction] {
    phase = .connecting
    shutSlots()
    guard !isStopping else { return [] }
    guard options.waitsForBroker || inspection.wasComplete else { return breakOff(.unreachable, "\(failure)") }
    let pause = pauseAfterLoss()
    let level = announce(failure)
    let limit = level == .info ? "" : "; trying for \(options.connectTimeout.text)"
    return [.log(LogEntry(level, "\(failure)\(limit)")), .set(.retry, after: pause)]
  }

  private mutating func connectionLost(
    _ failure: BrokerFailure
  ) -> [RunnerAction] {
    var actions = channelsLost(failure)
    guard !isStopping, freeItems > 0 || slots.contains(where: \.isBusy) else { return actions }
    if options.ownQueue != nil { return actions + ownQueueLost(failure) }
    actions += [
      said(.warning, "\(failure); connecting again"), .cancel(.idle), .cancel(.look), .cancel(.retry),
    ]
    let pause = pauseAfterLoss()
    session.outage.isAnnounced = true
    report.reported(.broker, now: now)
    phase = .connecting
    let limit = RunnerAction.set(.connectLimit, after: session.outage.left(of: options.connectTimeout, now: now))
    return actions + [pause == .zero ? dial() : .set(.retry, after: pause), limit]
  }

  mutating func pauseAfterLoss() -> Duration {
    session.outage.lost(now: now, timeout: options.connectTimeout, jitter: pause.jitter())
  }

  /// The broker has said something of the queue.
  mutating func served() {
    session.served(now: now)
  }

}
