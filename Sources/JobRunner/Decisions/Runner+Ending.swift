internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Ceasing to take items, and coming to an end when all that was taken is settled.
extension Runner {
  /// How long the broker may take to answer a cancel when nothing depends on it.
  static let withdrawalLimit: Duration = .milliseconds(500)
  /// How long the broker may take to answer the close of the connections.
  static let closeLimit: Duration = .seconds(5)
  /// The same where somebody waits for our end, or where the broker was not of much use.
  static let hurriedCloseLimit: Duration = .milliseconds(400)

  /// No item is taken any more.
  var isStopping: Bool { stop.isStopping }

  /// How many items may still come, besides those that may come already.
  var freeItems: Int {
    options.mostItems - tally.taken + returning.count - slots.count(where: \.mayTakeItem)
  }

  /// Goes on to the end with `status`, whatever else comes; the line says why.
  mutating func breakOff(_ status: ExitStatus, _ line: LogMessage) -> [RunnerAction] {
    let level: LogEntry.Level = stop.breakOff(status) ? .error : .warning
    return [said(level, line)] + stopTaking()
  }

  /// A line of the log; the last one that is an error says why the status is none of success.
  mutating func said(_ level: LogEntry.Level, _ line: LogMessage) -> RunnerAction { said(LogEntry(level, line)) }

  mutating func said(_ entry: LogEntry) -> RunnerAction {
    report.logged(entry.level)
    return .log(entry)
  }

  /// Cancels the consumers that have nothing in hand. What comes to them in this moment is put back.
  mutating func stopTaking() -> [RunnerAction] {
    var methods: [ChannelMethod] = []
    var limits: [RunnerAction] = []
    for index in slots.indices {
      switch slots[index].state {
      case .consuming:
        methods += withdraw(index)
        fallthrough
      case .cancelling:
        let limit = slots[index].isAckUnconfirmed ? Self.settlementLimit : Self.withdrawalLimit
        limits.append(.set(.settlementLimit(slot: index), after: limit))
      case .idle where slots[index].isAckUnconfirmed:
        limits.append(.set(.settlementLimit(slot: index), after: Self.settlementLimit))
      case .noChannel: slots[index].handle(.stop)
      default: break
      }
    }
    if !slots.contains(where: \.hasWorker) { limits.append(.endOfWork) }
    return [.cancel(.idle), .cancel(.look), .cancel(.pause), .cancel(.retry), .send(methods)] + limits
  }

  /// Cancels the consumer of a slot with nothing in hand.
  mutating func withdraw(_ index: Int) -> [ChannelMethod] {
    slots[index].handle(.cancel)
    // The channel of RabbitMQ 3.10 that is told to cancel what it is just about to attach to a quorum queue crashes.
    guard slots[index].isConsumerConfirmed else { return [] }
    return slots[index].on(slots[index].detach())
  }

  /// The broker has cancelled our consumer: nothing comes any more, and the ack before it was taken.
  mutating func withdrawn(_ tag: ByteString, in index: Int) -> [RunnerAction] {
    guard slots[index].state == .cancelling, tag == slots[index].consumerTag else { return [] }
    slots[index].handle(.cancelled)
    answered(in: index)
    return [.cancel(.settlementLimit(slot: index))] + looked()
  }

  mutating func drainLimitReached() -> [RunnerAction] {
    guard !isStopping else { return [] }
    let limit = options.drainTimeout?.text ?? ""
    return breakOff(.temporaryFailure, "\(place) is not drained after \(limit)\(naming: .drainTimeout)")
  }

  /// The end, where nothing is left to be done.
  mutating func conclude() -> [RunnerAction] {
    // Even where no item is asked for, the queue is.
    let isExhausted =
      tally.taken >= options.mostItems && returning.isEmpty && (inspection.isComplete || inspection.wasComplete)
    guard phase != .finished, isStopping || isExhausted, slots.allSatisfy(\.isOver) else { return [] }
    var actions: [RunnerAction] = []
    if stop.brokenStatus == nil, !returning.isEmpty {
      actions = notReturned(why: stop.isDrained ? "others have taken it" : "the runner was told to end")
    }
    let status = stop.status(options, tally)
    actions += ending(status)
    phase = .closing(status)
    return actions
      + [.closeConnections, .set(.closeLimit, after: stop.isHurried ? Self.hurriedCloseLimit : Self.closeLimit)]
  }

  /// What is still to come before the end. All that the exit status says is settled: what the broker does not
  /// answer now costs no more than a warning in its log.
  mutating func closing(_ event: RunnerEvent, _ status: ExitStatus) -> [RunnerAction] {
    switch event {
    case .connectionsClosed, .timer(.closeLimit):
      phase = .finished
      return [.finish(status)]
    case .signal(.terminate), .signal(.interrupt), .signal(.hangup):
      return [.set(.closeLimit, after: Self.hurriedCloseLimit)]
    default: return []
    }
  }

  /// What there is left to say. An error has its line already where something forbade to go on, or a single item failed.
  private mutating func ending(_ status: ExitStatus) -> [RunnerAction] {
    if status != .success, !report.hasReportedError { return [said(ending().entry(.error))] }
    if options.isOfSeveral {
      return report.hasReportedError && tally.settled == 0 ? [] : [said(ending().entry(.notice))]
    }
    return stop.isDrained ? [said(.info, "\(place) is drained")] : []
  }

  private func ending() -> Ending {
    Ending(
      cause: stop.cause, tally: tally, wanted: options.mostItems == .max ? nil : options.mostItems,
      queue: queue.name, place: place,
      deadTarget: policy.hasRetries ? "queue '\(queue.deadName)'" : "its dead-letter exchange",
      duration: report.startedAt.duration(to: now))
  }

}
