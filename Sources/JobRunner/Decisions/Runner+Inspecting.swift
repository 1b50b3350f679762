internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Learning what the queue is, before items are taken from it, and what is beside it, before that matters.
extension Runner {
  /// What to ask about the queue before anything is consumed from it: consumers can be what a queue lives for.
  mutating func inspect() -> [ChannelMethod] {
    if let own = options.ownQueue { return declare(own) }
    search = nil
    targetSearch = nil
    if isTypeAssumed { return [] }
    if options.assumed == .declared, let search = NeighbourSearch(besideDeclared: queue, on: sideChannel) {
      self.search = search
      return onSide(search.questions)
    }
    let inspection = QueueInspection(
      queue: queue, channel: sideChannel, transients: options.transients)
    self.inspection = inspection
    return onSide(inspection.questions)
  }

  /// The questions have a channel of their own.
  var sideChannel: UInt16 { UInt16(slots.count + 1) }

  /// Something is to be found out before a consumer is attached: what the queue is, whether what it refers to is there, or
  /// whether copies may be published.
  var mayBeInspected: Bool { options.ownQueue == nil && options.assumed != .plain(.classic) }

  /// All that is left to be found out is whether copies may be published.
  var isTypeAssumed: Bool { options.assumed == .plain(.quorum) }

  /// Asks anew before a consumer is attached: the queue may have been declared otherwise since.
  mutating func inspectAgain() -> [RunnerAction] {
    phase = .inspecting
    isInspected = false
    neighbours = .unknown
    let limit = RunnerAction.set(.connectLimit, after: options.connectTimeout)
    return (isTypeAssumed ? known(policy.standing, .unknown) : [.send(inspect())]) + [limit]
  }

  /// Opens the channel where it is not open yet.
  mutating func onSide(_ methods: [ChannelMethod]) -> [ChannelMethod] {
    methods.filter { $0.method != .channelOpen || openSideChannels.insert($0.channel).inserted }
  }

  /// An answer to the inspection.
  mutating func inspected(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    if let own = options.ownQueue { return setUp(own, method, on: channel) }
    if case .channelClose = method { openSideChannels.remove(channel) }
    if search != nil { return searched(method, on: channel) }
    if targetSearch != nil { return targetSearched(method, on: channel) }
    guard let verdict = inspection?.take(method, on: channel) else { return [] }
    let transience = inspection?.transience
    switch verdict {
    case .ask(let questions):
      guard let inspection, isEnough(inspection) else { return [.send(onSide(questions))] }
      self.inspection = nil
      return known(inspection.standing, .unknown, transience)
    case .unsupported(let why):
      inspection = nil
      return breakOff(.wrongQueue, "cannot serve \(place): \(why)")
    case .transient(let why):
      inspection = nil
      return breakOff(.wrongQueue, "cannot serve \(place): it \(why)\(why == .exclusive ? "" : options.orTakeIt)")
    case .unknowable(let why):
      inspection = nil
      return breakOff(
        .notPermitted,
        "cannot tell whether \(place) can be served without a loss: \(why); grant the user the configure permission on it"
          + options.orAssume)
    case .refused(let reason):
      inspection = nil
      return queueRefused(reason)
    case .known(let standing, let neighbours):
      inspection = nil
      return known(standing, neighbours, transience)
    }
  }

  /// What is not known yet makes no difference.
  private func isEnough(_ inspection: QueueInspection) -> Bool {
    inspection.mayBeConsumed && !inspection.mayBeDeclared && !options.attempts.areRequired && !rejectsFailures
      && !needsPermission(inspection.standing)
  }

  /// The server may drop what comes back too often where nobody said so: RabbitMQ does from 4.0 on.
  private var dropsReturns: Bool { server.map { $0 >= ServerVersion(4, 0) } ?? true }

  mutating func known(
    _ standing: QueueStanding, _ neighbours: QueueInspection.Neighbours
  ) -> [RunnerAction] {
    policy.standing = accepted(standing)
    self.neighbours = neighbours
    if neighbours == .hidden, options.endsWhenDrained { return breakOffUnseen() }
    guard policy.isPossible else {
      return breakOff(.wrongQueue, "\(place) \(whatIsLacking(standing))")
    }
    let warning = warnOfDrops(standing)
    let search = searchTarget()
    guard search.isEmpty else { return search }
    return warning + targetFound()
  }

  /// Nothing is left to be found out of where dead letters go.
  mutating func targetFound() -> [RunnerAction] {
    isAwaitingPermission = needsPermission(policy.standing)
    guard !isAwaitingPermission else { return [.askForPermission] }
    return inspectionEnded()
  }

  private func whatIsLacking(_ standing: QueueStanding) -> String {
    guard standing != .declared else { return options.whyNoRetries }
    guard options.attempts.areRequired else { return options.whyNoDeadLetters }
    guard case .deadLettering(.some) = standing else {
      return
        "has no retry and dead-letter queue, as \(options.whatAsksForAttempts): go without, or remove that queue, and "
        + "'amqp-job declare \(queue.name)' makes it anew with them"
    }
    return "has a dead-letter exchange of its own, to which failed items can go, but no retry queue to delay them: "
      + "go without a delay\(options.pointer(to: .retryDelay))"
  }

  /// A broker's limit drops items of such a queue, unless they are put back as copies in time.
  private func needsPermission(_ standing: QueueStanding) -> Bool {
    switch standing {
    case .plain(.classic), .declared, .deadLettering: false
    case .plain: dropsReturns
    }
  }

  private mutating func inspectionEnded() -> [RunnerAction] {
    isInspected = true
    hasBeenInspected = true
    // Whoever cannot tell whether it is drained need not begin.
    let search = options.endsWhenDrained && phase == .inspecting ? searchNeighbours() : []
    guard search.isEmpty else { return search }
    return phase == .inspecting ? serve() + awaitReturns() : []
  }

  mutating func permissionTold(_ permission: PublishingPermission) -> [RunnerAction] {
    guard phase == .inspecting, isAwaitingPermission, !isStopping else { return [] }
    switch permission {
    case .granted:
      isAwaitingPermission = false
      connectFailure = nil
      return inspectionEnded()
    case .refused(let reason) where reason.code == .accessRefused:
      return breakOff(
        .notPermitted,
        "no permission to publish to \(place): \(reason.text); the broker drops an item of it that comes back too often, "
          + "unless a copy is put in its place; grant the user the write permission on 'amq.default'")
    case .refused(let reason):
      return breakOff(.temporaryFailure, "cannot publish copies of items to \(place): \(reason.text)")
    case .unknown(let reason):
      connectFailure = BrokerFailure(
        .unreachable, broker: broker, detail: "no copies of items can be published, \(reason)")
      return [.set(.retry, after: pauseAfterLoss())]
    }
  }

  // MARK: The queues beside it

  /// Begins to look for the queues beside one that does not refer to them, where nothing is known of them.
  mutating func searchNeighbours() -> [RunnerAction] {
    guard neighbours == .unknown, search == nil, case .plain = policy.standing else { return [] }
    search = NeighbourSearch(besidePlain: queue, on: sideChannel)
    guard let search else {
      neighbours = .absent
      return []
    }
    return [.send(onSide(search.questions))]
  }

  /// A failure is to be judged, and what it means for the item is not known yet.
  func keepsEnd(_ event: RunnerEvent) -> Bool {
    guard neighbours == .unknown, isInspected, !isStopping, phase == .serving || phase == .looking,
      case .plain = policy.standing, options.ownQueue == nil
    else { return false }
    switch event {
    case .workerEnded(.exited(0), _, _): return false
    case .workerEnded(_, _, let slot), .workerDidNotStart(_, let slot):
      if case .working = slots[slot].state { return true } else { return false }
    default: return false
    }
  }

  mutating func keepEnd(_ event: RunnerEvent) -> [RunnerAction] {
    earlyEnds.append(event)
    let timers: [RunnerAction] =
      switch event {
      case .workerEnded(_, _, let slot): [.cancel(.workerLimit(slot: slot)), .cancel(.grace(slot: slot))]
      default: []
      }
    return timers + searchNeighbours() + [.set(.searchLimit, after: options.connectTimeout)]
  }

  /// A broker that says nothing is as good as none.
  mutating func searchLimitReached() -> [RunnerAction] {
    guard search != nil, !earlyEnds.isEmpty else { return [] }
    return [.disconnect]
      + connectionFailed(BrokerFailure(.lost, broker: broker, detail: "it does not answer"))
  }

  private mutating func searched(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    guard let finding = search?.take(method, on: channel) else { return [] }
    search = nil
    return [.cancel(.searchLimit)] + found(finding)
  }

  private mutating func found(_ finding: NeighbourSearch.Finding) -> [RunnerAction] {
    if options.assumed == .declared { return assumptionChecked(finding) }
    switch finding {
    case .absent: neighbours = .absent
    case .hidden:
      // Who vouches for the queue says that it stands alone.
      neighbours = options.assumed == nil ? .hidden : .absent
      if neighbours == .hidden, options.endsWhenDrained { return breakOffUnseen() }
    case .found:
      return breakOff(
        .wrongQueue,
        "cannot serve \(place): there are queues '\(queue.retryName)' and '\(queue.deadName)' beside it, and it is not what "
          + "'amqp-job declare' makes with them")
    case .refused(let reason): return queueRefused(reason)
    }
    switch phase {
    case .inspecting: return serve() + awaitReturns()
    case .looking: return look()
    default: return []
    }
  }

  /// Whether there is what an assumed queue refers to.
  private mutating func assumptionChecked(
    _ finding: NeighbourSearch.Finding
  ) -> [RunnerAction] {
    switch finding {
    case .found, .hidden: return inspectionEnded()
    case .absent:
      return breakOff(
        .wrongQueue,
        "\(place) has not all the queues beside it, though it was said to be 'declared'\(options.pointer(to: .assume)); 'amqp-job declare \(queue.name)' makes them"
      )
    case .refused(let reason): return queueRefused(reason)
    }
  }

  /// Whether something waits there for its way back cannot be known.
  mutating func breakOffUnseen() -> [RunnerAction] {
    breakOff(
      .notPermitted,
      "cannot tell whether \(place) is drained: the user may not look for queue '\(queue.retryName)'; grant a permission on it"
        + options.orAssume)
  }
}
