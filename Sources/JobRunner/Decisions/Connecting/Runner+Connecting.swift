internal import AMQP
internal import Broker
internal import Console

/// Connecting to the broker and finding the queue.
extension Runner {
  mutating func connect() -> [RunnerAction] {
    phase = .connecting
    return [dial(), .set(.connectLimit, after: options.connection.connectTimeout)]
  }

  private mutating func dial() -> RunnerAction {
    session.dialled()
    inspection.dialled()
    let questions = inspection.isComplete ? [] : inspect()
    for index in slots.indices { slots[index].prepareLogin() }
    return .connect(questions + slots.filter(\.opensWithLogin).flatMap { $0.on([.channelOpen]) })
  }

  /// The login has succeeded.
  mutating func connected(to server: ServerVersion?) -> [RunnerAction] {
    session.loggedIn(to: server)
    for index in slots.indices { slots[index].loggedIn() }
    guard inspection.isComplete else {
      phase = .inspecting
      return isTypeAssumed ? known(.plain(.quorum), .unknown) : []
    }
    return serve() + awaitReturns()
  }

  /// Attaches consumers to as many slots as may take items.
  mutating func serve() -> [RunnerAction] {
    // A new connection has already set the limit.
    let isConnected =
      switch phase {
      case .connecting, .inspecting: false
      default: true
      }
    phase = .serving
    var methods: [ChannelMethod] = []
    var free = pause.isActive || isStopping ? 0 : freeItems
    for worker in groups {
      for index in group(of: worker) where slots[index].state.isOne(of: .noChannel, .idle) {
        guard free > 0, mayTake(index) else { break }
        methods += slots[index].on(attach(index))
        free -= 1
      }
    }
    guard !methods.isEmpty else { return slots.contains { $0.state == .consuming } ? awaitItem() : [] }
    let limit = isConnected ? [RunnerAction.set(.connectLimit, after: options.connection.connectTimeout)] : []
    return [.send(methods)] + limit + awaitItem()
  }

  /// The broker has refused the queue before anything was consumed.
  mutating func queueRefused(_ reason: CloseReason) -> [RunnerAction] {
    switch reason.refusal {
    case .nodeIsDown:
      let failure = BrokerFailure(.unreachable, broker: broker, detail: reason.text)
      guard options.connection.waitsForBroker || inspection.wasComplete else {
        return breakOff(.unreachable, "\(failure)")
      }
      session.failed(failure)
      phase = .connecting
      let actions = [.disconnect] + channelsLost(failure)
      return isStopping ? actions : actions + [.set(.retry, after: BackOff.maxPause)]
    case .noQueue where !reason.meansNoCompanion(of: queue):
      let left = now.duration(to: report.startedAt + options.waitFirst)
      guard left > .zero, tally.taken == 0 else {
        let advice = options.ownQueue == nil ? "\(MissingQueue(queue.name).advice)" : " any more"
        return breakOff(.noQueue, "there is no \(queueLabel)\(advice)")
      }
      phase = .awaitingQueue
      served()
      return [.cancel(.connectLimit), .set(.retry, after: min(left, .seconds(1)))]
    default:
      let refusal = ExplainedRefusal(reason, queue: queue.name, place: queueLabel)
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
    // Coming to an end has limits of its own.
    guard !isStopping else { return [] }
    switch phase {
    case .awaitingSteps: return stepsLimitReached()
    case .connecting, .inspecting, .serving, .probing:
      // Workers that may finish are waited for, and so are the items that they did. In a pause the broker is not asked anything.
      let isAsked = phase != .serving || slots.contains { $0.state == .consuming }
      guard !slots.contains(where: \.isBusy), returning.isEmpty, isAsked else {
        return [.set(.connectLimit, after: options.connection.connectTimeout)]
      }
      let silence = BrokerFailure(.unreachable, broker: broker, detail: "it does not answer")
      if options.extent == .forever, session.hasServed, !session.isRefused {
        let again = RunnerAction.set(.connectLimit, after: options.connection.connectTimeout)
        return phase == .connecting ? [again] : [.disconnect] + connectionFailed(silence) + [again]
      }
      let what = "\(session.failure ?? silence), for queue '\(queue.name)'"
      let advice = session.isRefused ? "; \(session.failure?.advice ?? "")" : ""
      shutSlots()
      return [.disconnect]
        + breakOff(
          session.isRefused ? .notPermitted : .unreachable,
          "\(what)\(advice); gave up after \(options.connection.connectTimeout.text)\(naming: .connectTimeout)")
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
      let limit = options.connection.connectTimeout.text
      let line = "\(failure); trying again for \(limit), as somebody may replace what was refused"
      return [said(.warning, "\(line)")] + attemptFailed(failure)
    }
    switch phase {
    case .connecting: return attemptFailed(failure)
    case .inspecting:
      let isAtWork = slots.contains { $0.isBusy || $0.isSettling }
      return isAtWork ? connectionLost(failure) : attemptFailed(failure)
    case .serving, .probing, .awaitingQueue: return connectionLost(failure)
    case .new, .awaitingSteps, .closing, .finished:
      return []
    }
  }

  /// The login worked before and is read from files. When a password changes, the broker and the file do not change at the same
  /// time.
  private var mayBeReplaced: Bool { options.connection.credentialsMayChange && session.hasLoggedIn }

  private mutating func attemptFailed(
    _ failure: BrokerFailure
  ) -> [RunnerAction] {
    phase = .connecting
    shutSlots()
    guard !isStopping else { return [] }
    guard options.connection.waitsForBroker || inspection.wasComplete else {
      return breakOff(.unreachable, "\(failure)")
    }
    let pause = pauseAfterLoss()
    let level = announce(failure)
    let limit = level == .info ? "" : "; trying for \(options.connection.connectTimeout.limitText)"
    return [.log(LogEntry(level, "\(failure)\(limit)")), .set(.retry, after: pause)]
  }

  private mutating func connectionLost(
    _ failure: BrokerFailure
  ) -> [RunnerAction] {
    var actions = channelsLost(failure)
    guard !isStopping, freeItems > 0 || slots.contains(where: \.isBusy) else { return actions }
    if options.ownQueue != nil { return actions + ownQueueLost(failure) }
    actions += [
      said(.warning, "\(failure); connecting again"), .cancel(.idle), .cancel(.probe), .cancel(.retry),
    ]
    let pause = pauseAfterLoss()
    session.outage.isAnnounced = true
    report.reported(.broker, now: now)
    phase = .connecting
    let limit = RunnerAction.set(
      .connectLimit, after: session.outage.left(of: options.connection.connectTimeout, now: now))
    return actions + [pause == .zero ? dial() : .set(.retry, after: pause), limit]
  }

  mutating func pauseAfterLoss() -> Duration {
    session.outage.lost(now: now, timeout: options.connection.connectTimeout, jitter: pause.jitter())
  }

  /// The broker has said something about the queue.
  mutating func served() {
    session.served(now: now)
  }

}
