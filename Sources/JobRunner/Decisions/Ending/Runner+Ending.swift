internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Taking no more items, and coming to an end when all items are settled.
extension Runner {
  /// How long the broker may take to answer a cancel on which nothing depends.
  static let withdrawalLimit: Duration = .milliseconds(500)
  /// How long the broker may take to answer the close of the connections.
  static let closeLimit: Duration = .seconds(5)
  /// The same for an end that somebody waits for, or with a broker that has not been answering.
  static let hurriedCloseLimit: Duration = .milliseconds(400)

  /// No more items are taken.
  var isStopping: Bool { stop.isStopping }

  /// How many more slots may wait for an item.
  var freeItems: Int {
    options.maxItems - tally.taken + returning.count - slots.count(where: \.mayTakeItem)
  }

  /// Comes to an end with `status`, whatever else happens. The line says why.
  mutating func breakOff(_ status: ExitStatus, _ line: LogMessage) -> [RunnerAction] {
    let level: LogEntry.Level = stop.breakOff(status) ? .error : .warning
    return [said(level, line)] + stopTaking()
  }

  /// A line of the log. An error says why the exit status is not 0.
  mutating func said(_ level: LogEntry.Level, _ line: LogMessage) -> RunnerAction { said(LogEntry(level, line)) }

  mutating func said(_ entry: LogEntry) -> RunnerAction {
    report.logged(entry.level)
    return .log(entry)
  }

  /// Cancels the consumers that have no item in hand. An item that comes to one of them now is put back.
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
      case .collected(let item, at: _):
        limits += giveBackUnrun(item, in: index)
        limits.append(.set(.settlementLimit(slot: index), after: Self.settlementLimit))
      case .noChannel: slots[index].handle(.stop)
      default: break
      }
    }
    if !slots.contains(where: \.hasWorker) { limits.append(.endOfWork) }
    return [.cancel(.idle), .cancel(.probe), .cancel(.pause), .cancel(.retry), .send(methods)] + limits
  }

  /// Cancels the consumer of a slot that has no item in hand.
  mutating func withdraw(_ index: Int) -> [ChannelMethod] {
    slots[index].handle(.cancel)
    // In RabbitMQ 3.10 a channel crashes if it is told to cancel a consumer that it is just attaching to a quorum queue.
    guard slots[index].isConsumerConfirmed else { return [] }
    return slots[index].on(detach(index))
  }

  /// The broker has cancelled the consumer. No more items come, and the ack that was sent before was taken.
  mutating func withdrawn(_ tag: ByteString, in index: Int) -> [RunnerAction] {
    guard slots[index].state == .cancelling, tag == slots[index].consumerTag else { return [] }
    slots[index].handle(.cancelled)
    answered(in: index)
    return [.cancel(.settlementLimit(slot: index))] + resume()
  }

  mutating func drainLimitReached() -> [RunnerAction] {
    guard !isStopping else { return [] }
    let limit = options.drainTimeout?.text ?? ""
    let why = phase == .probing ? drain.finding?.reasonNotDrained.map { ": \($0)" } ?? "" : ""
    return breakOff(.temporaryFailure, "\(queueLabel) is not drained after \(limit)\(naming: .drainTimeout)\(why)")
  }

  /// Ends the runner if nothing is left to be done.
  mutating func conclude() -> [RunnerAction] {
    // Even a runner that is asked for no item inspects the queue.
    let isExhausted =
      tally.taken >= options.maxItems && returning.isEmpty && (inspection.isComplete || inspection.wasComplete)
    guard phase != .finished, isStopping || isExhausted, slots.allSatisfy(\.isOver) else { return [] }
    var actions = lastProgress
    if stop.brokenStatus == nil, !returning.isEmpty {
      actions += notReturned(why: stop.isDrained ? "others have taken it" : "the runner was told to end")
    }
    let status = stop.status(options, tally)
    actions += ending(status)
    phase = .closing(status)
    return actions
      + [.closeConnections, .set(.closeLimit, after: stop.isHurried ? Self.hurriedCloseLimit : Self.closeLimit)]
  }

  /// Waits for the connections to be closed. Everything that the exit status depends on is settled. If the broker does not answer
  /// now, that costs no more than a warning in its log.
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

  /// The runner's last line. An error has been logged already if something made it impossible to go on, or if a single item failed.
  private mutating func ending(_ status: ExitStatus) -> [RunnerAction] {
    if status != .success, !report.hasReportedError { return [said(ending().entry(.error))] }
    if options.isOfSeveral {
      return report.hasReportedError && tally.settledHere == 0 ? [] : [said(ending().entry(.notice))]
    }
    return stop.isDrained ? [said(.info, "\(queueLabel) is drained")] : []
  }

  private func ending() -> Ending {
    Ending(
      cause: stop.cause, tally: tally, wanted: options.maxItems == .max ? nil : options.maxItems,
      queue: queue.name, queueLabel: queueLabel,
      deadTarget: policy.hasRetries ? "queue '\(queue.deadName)'" : "its dead-letter exchange",
      rejection: policy.showsNoExchange ? "rejected (and dropped without a dead-letter exchange)" : "rejected",
      duration: report.startedAt.duration(to: now))
  }

}
