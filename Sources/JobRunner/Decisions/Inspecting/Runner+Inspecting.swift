internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Finding out what the queue is before items are taken from it, and what is beside it before that matters.
extension Runner {
  /// What to ask about the queue before a consumer is attached. A queue may be deleted with its last consumer.
  mutating func inspect() -> [ChannelMethod] {
    if let own = options.ownQueue { return declare(own) }
    inspection.dropSearches()
    if isTypeAssumed { return [] }
    let attempts = options.attempts
    if options.assumed == .declared,
      let search = NeighbourSearch(besideDeclared: queue, retryLevels: attempts.retryLevels, on: sideChannel)
    {
      return inspection.ask(search)
    }
    return inspection.ask(
      QueueInspection(
        queue: queue, channel: sideChannel, transients: options.transients, backoff: attempts.backoff))
  }

  /// The channel of these questions.
  var sideChannel: UInt16 { UInt16(slots.count + 1) }

  /// Something has to be found out before a consumer is attached: what the queue is, whether the queues that it refers to exist,
  /// or whether copies may be published.
  var mayBeInspected: Bool { options.ownQueue == nil && options.assumed != .plain(.classic) }

  /// Only whether copies may be published has to be found out.
  var isTypeAssumed: Bool { options.assumed == .plain(.quorum) }

  /// Inspects the queue again before a consumer is attached, because it may have been declared differently since.
  mutating func inspectAgain() -> [RunnerAction] {
    phase = .inspecting
    inspection.forget()
    let limit = RunnerAction.set(.connectLimit, after: options.connection.connectTimeout)
    return (isTypeAssumed ? known(.plain(.quorum), .unknown) : [.send(inspect())]) + [limit]
  }

  /// The broker has answered one of the inspection's questions.
  mutating func inspected(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    if let own = options.ownQueue { return setUp(own, method, on: channel) }
    if case .channelClose = method { inspection.channelClosed(channel) }
    if inspection.neighbourSearch != nil { return searched(method, on: channel) }
    if inspection.retryLevels.isAsking { return retryLevelsAnswered(method, on: channel) }
    if inspection.targetSearch != nil { return targetSearched(method, on: channel) }
    if inspection.ownerSearch != nil { return ownerSearched(method, on: channel) }
    if inspection.selfDeletion.isAwaitingDepth { return depthAnswered(method, on: channel) }
    guard let verdict = inspection.takeInquiry(method, on: channel) else { return [] }
    let transience = inspection.inquiry?.transience
    switch verdict {
    case .ask(let questions):
      guard let inquiry = inspection.inquiry, isEnough(inquiry) else {
        return [.send(inspection.opening(questions))]
      }
      inspection.endInquiry()
      return known(inquiry.standing, .unknown, transience)
    case .transient(let why) where options.queueOrigin == .any:
      inspection.endInquiry()
      return known(.plain(.classic), .unknown, why)
    case .unsupported, .transient:
      inspection.endInquiry()
      return UnservedQueue(verdict, place: queueLabel, acceptance: acceptance).map { breakOff($0.status, $0.line) }
        ?? []
    case .unknowable(let why):
      inspection.endInquiry()
      return breakOff(
        .notPermitted,
        "cannot tell whether \(queueLabel) can be served without a loss: \(why); grant the user the configure permission on it"
          + "\(Advice.assumingType)")
    case .refused(let reason):
      inspection.endInquiry()
      return queueRefused(reason)
    case .known(let standing, let neighbours):
      inspection.endInquiry()
      return known(standing, neighbours, transience)
    }
  }

  /// The questions that are left make no difference.
  private func isEnough(_ inquiry: QueueInspection) -> Bool {
    inquiry.mayBeConsumed && !inquiry.mayBeDeclared && !options.attempts.needDeadLetters && !rejectsFailures
      && !needsPermission(inquiry.standing)
  }

  /// The server may drop items that come back too often, although nobody configured that. RabbitMQ does so from 4.0 on.
  private var dropsReturns: Bool { session.server.map { $0 >= ServerVersion(4, 0) } ?? true }

  mutating func known(
    _ standing: QueueTopology, _ neighbours: QueueInspection.Neighbours
  ) -> [RunnerAction] {
    policy.take(standing)
    inspection.found(neighbours)
    if neighbours == .hidden, options.endsWhenDrained { return breakOffUnseen() }
    if let unserved = UnservedQueue(policy.options, on: policy.standing, queue: queue, place: queueLabel) {
      return breakOff(unserved.status, unserved.line)
    }
    let warning = inspection.wasComplete ? [] : warnOfDrops()
    let search = searchTarget()
    guard search.isEmpty else { return search }
    return warning + targetFound()
  }

  /// It is known where dead letters go, as far as that can be known.
  mutating func targetFound() -> [RunnerAction] {
    let search = searchOwner()
    return search.isEmpty ? ownerExcluded() : search
  }

  /// The queue may be served, as far as that can be known.
  mutating func ownerExcluded() -> [RunnerAction] {
    let question = askForDepth()
    return question.isEmpty ? askForPermission() : question
  }

  mutating func askForPermission() -> [RunnerAction] {
    inspection.awaitPermission(needsPermission(policy.standing))
    guard !inspection.isAwaitingPermission else { return [.askForPermission] }
    return inspectionEnded()
  }

  /// A delivery limit of the broker drops items of such a queue, unless they are put back as copies in time.
  private func needsPermission(_ standing: QueueTopology) -> Bool {
    switch standing {
    case .plain(.classic), .declared, .deadLettering: false
    case .plain: dropsReturns
    }
  }

  private mutating func inspectionEnded() -> [RunnerAction] {
    inspection.complete()
    // A runner that cannot tell whether the queue is drained does not begin.
    let search = options.endsWhenDrained && phase == .inspecting ? searchNeighbours() + searchRetryLevelsForDepth() : []
    guard search.isEmpty else { return search }
    return phase == .inspecting ? serve() + awaitReturns() : []
  }

  mutating func permissionTold(_ permission: PublishingPermission) -> [RunnerAction] {
    guard phase == .inspecting, inspection.isAwaitingPermission, !isStopping else { return [] }
    switch permission {
    case .granted:
      inspection.awaitPermission(false)
      session.recovered()
      return inspectionEnded()
    case .refused(let reason) where reason.code == .accessRefused:
      return breakOff(
        .notPermitted,
        "no permission to publish to \(queueLabel): \(reason.text); the broker drops an item of it that comes back too often, "
          + "unless a copy is put in its place; grant the user the write permission on 'amq.default'")
    case .refused(let reason):
      return breakOff(.temporaryFailure, "cannot publish copies of items to \(queueLabel): \(reason.text)")
    case .unknown(let reason):
      session.failed(
        BrokerFailure(.unreachable, broker: broker, detail: "no copies of items can be published, \(reason)"))
      return [.set(.retry, after: pauseAfterLoss())]
    }
  }

  // MARK: The queues beside the queue

  /// Asks whether there are a retry and a dead-letter queue beside a queue that does not refer to them, unless that is known.
  mutating func searchNeighbours() -> [RunnerAction] {
    guard inspection.neighbours == .unknown, inspection.neighbourSearch == nil, case .plain = policy.standing else {
      return []
    }
    guard let search = NeighbourSearch(besidePlain: queue, on: sideChannel) else {
      inspection.found(.absent)
      return []
    }
    return [.send(inspection.ask(search))]
  }

  /// A worker has failed, and it is not known yet what that means for the item.
  func keepsEnd(_ event: RunnerEvent) -> Bool {
    guard inspection.neighbours == .unknown, inspection.isComplete, !isStopping, phase == .serving || phase == .probing,
      case .plain = policy.standing, options.ownQueue == nil
    else { return false }
    switch event {
    case .workerEnded(.exited(0), _, _): return false
    case .workerEnded(_, _, let slot), .workerDidNotStart(_, let slot), .resultRefused(_, let slot),
      .stepFailed(_, let slot):
      return members(of: slot).contains { slots[$0].state.isOne(of: .working) }
    default: return false
    }
  }

  mutating func keepEnd(_ event: RunnerEvent) -> [RunnerAction] {
    deferred.deferEnd(event)
    for index in event.slot.map({ members(of: $0) }) ?? [] { slots[index].workerEnded(at: now) }
    let timers: [RunnerAction] =
      switch event {
      case .workerEnded(_, _, let slot), .resultRefused(_, let slot), .stepFailed(_, let slot):
        [.cancel(.workerLimit(slot: slot)), .cancel(.grace(slot: slot))]
      default: []
      }
    return timers + searchNeighbours() + [.set(.searchLimit, after: options.connection.connectTimeout)]
  }

  /// The broker has not answered in time, and counts as lost.
  mutating func searchLimitReached() -> [RunnerAction] {
    guard inspection.neighbourSearch != nil, deferred.hasWorkerEnds else { return [] }
    return [.disconnect]
      + connectionFailed(BrokerFailure(.lost, broker: broker, detail: "it does not answer"))
  }

  private mutating func searched(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    guard let finding = inspection.takeNeighbours(method, on: channel) else { return [] }
    return [.cancel(.searchLimit)] + found(finding)
  }

  private mutating func found(_ finding: NeighbourSearch.Finding) -> [RunnerAction] {
    if options.assumed == .declared { return assumptionChecked(finding) }
    switch finding {
    case .absent: inspection.found(.absent)
    case .hidden:
      // A user who says what the queue is also says that it stands alone.
      inspection.found(options.assumed == nil ? .hidden : .absent)
      if inspection.neighbours == .hidden, options.endsWhenDrained { return breakOffUnseen() }
    case .found:
      let unserved = UnservedQueue(withForeignNeighbours: queue, place: queueLabel)
      return breakOff(unserved.status, unserved.line)
    case .refused(let reason): return queueRefused(reason)
    }
    return goOn()
  }

  /// What is beside the queue is known now.
  mutating func goOn() -> [RunnerAction] {
    switch phase {
    case .inspecting: serve() + awaitReturns()
    case .probing: probe()
    default: []
    }
  }

  /// The queues that an assumed queue refers to exist, or they do not.
  private mutating func assumptionChecked(
    _ finding: NeighbourSearch.Finding
  ) -> [RunnerAction] {
    switch finding {
    case .found, .hidden: return inspectionEnded()
    case .absent:
      let making = "'\(options.attempts.backoff.declaration(of: queue))' makes them"
      let advice: Advice = "if it was made by 'amqp-job declare', \(making); if not, leave out \(.assume)"
      return breakOff(
        .wrongQueue,
        "\(queueLabel) lacks some of the queues that belong to it, although it was said to be 'declared'\(naming: .assume); "
          + "\(advice, otherwise: making)"
      )
    case .refused(let reason): return queueRefused(reason)
    }
  }

  /// The runner cannot find out whether items wait in a retry queue.
  mutating func breakOffUnseen(level: Int = 1) -> [RunnerAction] {
    let name = queue.retryName(level: level)
    let advice: LogMessage = level == 1 ? "\(Advice.assumingType)" : ""
    return breakOff(
      .notPermitted,
      "cannot tell whether \(queueLabel) is drained: the user may not look for queue '\(name)'; grant a permission on it\(advice)"
    )
  }
}
