internal import AMQP
internal import Broker
internal import Linux
internal import Publishing

/// The copies that moves publish, by slot, on a connection of their own.
///
/// Before an item goes into a retry queue for the first time, its mark is put into the queue of marks. So either the item or its
/// mark can be seen at any time.
struct Copies {
  private struct Copy {
    let properties: BasicProperties
    let body: any MessageBody
    let destination: Destination
    /// The queue of marks, if the item's mark has to go there first.
    var marksName: String?
  }

  private let access: BrokerAccess
  private var publisher: CopyPublisher?
  /// Descriptors for the connection of the first copy, which may be needed because there are no others.
  private var spares: SpareDescriptors?
  /// The copies that wait for their mark to be confirmed, by slot.
  private var unmarked: [Int: Copy] = [:]
  /// The results that are published once the copy is confirmed, by slot.
  private var resultsAfter: [Int: JobResult] = [:]
  private var results = PendingResults()

  /// - Throws: `SystemError` if no descriptors are left.
  init(access: BrokerAccess) throws {
    self.access = access
    spares = try SpareDescriptors(count: 4)
  }

  var interest: PollInterest? { publisher?.interest }
  var deadline: ContinuousClock.Instant? { [publisher?.deadline, results.deadline].compactMap(\.self).min() }

  /// The connections that are no longer used. The caller closes them.
  func takeDiscarded() -> [BrokerLink] { publisher?.takeDiscarded() ?? [] }

  func close() { publisher?.close() }

  // MARK: Publishing

  /// The id of the question about permission, in the place of a slot's number.
  private static let permissionID = -1

  /// The id of the mark of a slot's copy. The slot's number is the id of the copy itself.
  private static func markID(_ slot: Int) -> Int { -2 - slot }
  private static func markedSlot(_ id: Int) -> Int? { id <= -2 ? -2 - id : nil }

  /// Publishes the move's copy of the slot's item, and `result` after it. `parameters` are for a connection beside `link`. Returns the connections that are
  /// no longer used.
  mutating func publish(
    _ item: WorkItem, _ move: Move, body: any MessageBody, host: String, slot: Int, then result: JobResult?,
    beside link: BrokerLink, _ parameters: Connection.Parameters
  ) -> [BrokerLink] {
    var copy = Copy(
      properties: properties(of: item, move, host: host, fitting: link), body: body,
      destination: move.destination.destination(of: item))
    let discarded = connect(beside: link, parameters)
    resultsAfter[slot] = result
    if case .retry = move.destination, !item.isMarked {
      let marksName = WorkQueue(item.queue).marksName
      copy.marksName = marksName
      unmarked[slot] = copy
      publisher?.publish(Self.markID(slot), WorkQueue.mark, body: ReceivedBody.memory([]), to: .queue(marksName))
    } else {
      publish(copy, slot: slot)
    }
    return discarded
  }

  /// The item's own properties take precedence over the end of its worker's standard error. A copy that does not fit into a frame
  /// would leave the item in its queue.
  private func properties(of item: WorkItem, _ move: Move, host: String, fitting link: BrokerLink) -> BasicProperties {
    let time = ThisProcess.time
    var move = move
    var properties = item.properties(for: move, host: host, time: time)
    while !link.fits(properties), move.shortenStandardError() {
      properties = item.properties(for: move, host: host, time: time)
    }
    return properties
  }

  private func publish(_ copy: Copy, slot: Int) {
    publisher?.publish(slot, copy.properties, body: copy.body, to: copy.destination)
  }

  /// Publishes a message that no queue takes. The broker refuses a user without the permission before it looks for the queue.
  mutating func askForPermission(beside link: BrokerLink, _ parameters: Connection.Parameters) -> [BrokerLink] {
    let discarded = connect(beside: link, parameters)
    let nowhere = "amqp-job.\(UInt64.random(in: .min ... .max))"
    publisher?.publish(Self.permissionID, BasicProperties(), body: ReceivedBody.memory([]), to: .queue(nowhere))
    return discarded
  }

  // MARK: Results

  /// Publishes the result of a job, whose `end` is the event that follows.
  mutating func publish(
    _ result: JobResult, body: any MessageBody, slot: Int, then end: RunnerEvent, beside link: BrokerLink,
    _ parameters: Connection.Parameters
  ) -> [BrokerLink] {
    let discarded = connect(beside: link, parameters)
    publish(result, body: body, slot: slot, then: end)
    return discarded
  }

  private mutating func publish(_ result: JobResult, body: any MessageBody, slot: Int, then end: RunnerEvent) {
    results.add(result, size: body.size, before: end, slot: slot, now: .now)
    publisher?.publish(
      PendingResults.id(slot: slot), result.properties, body: body, to: result.destination,
      unlessReservedBy: result.destination.owner)
  }

  mutating func hurryResult(slot: Int, now: ContinuousClock.Instant) { results.hurry(slot: slot, now: now) }

  /// Forgets the slot's result. Returns false if there is none.
  mutating func dropResult(slot: Int) -> Bool {
    guard results.remove(slot: slot) else { return false }
    publisher?.drop(PendingResults.id(slot: slot))
    return true
  }

  private mutating func lateResults() -> [PendingResults.Outcome] {
    results.takeLate(now: .now).map { slot, outcome in
      publisher?.drop(PendingResults.id(slot: slot))
      return outcome
    }
  }

  // MARK: Dropping

  /// The copy is no longer waited for.
  mutating func drop(slot: Int) {
    (unmarked[slot], resultsAfter[slot]) = (nil, nil)
    publisher?.drop(Self.markID(slot))
    publisher?.drop(slot)
    _ = dropResult(slot: slot)
  }

  private mutating func connect(beside link: BrokerLink, _ parameters: Connection.Parameters) -> [BrokerLink] {
    spares = nil
    if let publisher, publisher.broker == link.broker, publisher.address == link.address { return [] }
    publisher?.close()
    let discarded = takeDiscarded()
    (unmarked, resultsAfter) = ([:], [:])
    publisher = CopyPublisher(
      broker: link.broker, parameters, access: access, address: link.address, now: .now)
    return discarded
  }

  // MARK: Outcomes

  /// Sends and receives what is possible now, and returns what has come of copies and results.
  mutating func process(_ readiness: PollReadiness) -> [PendingResults.Outcome] {
    let outcomes = (publisher?.process(readiness, now: .now) ?? []).compactMap { event in
      event.id.map(PendingResults.isResult) == true ? results.take(event, now: .now) : take(event).map { .over($0) }
    }
    return outcomes + lateResults()
  }

  private mutating func take(_ event: CopyPublisher.Event) -> RunnerEvent? {
    switch event {
    case .confirmed(Self.permissionID), .refused(Self.permissionID, .unroutable),
      .refused(Self.permissionID, .rejected):
      .permission(.granted)
    case .refused(Self.permissionID, .closed(let reason)): .permission(.refused(reason))
    case .failed(Self.permissionID, let reason): .permission(.unknown(reason: reason))
    case .confirmed(let id): confirmed(id)
    case .refused(let id, .closed(let reason)): .moveRefused(reason, slot: failed(id).slot)
    case .refused(let id, let refusal): moveFailed(id, "\(refusal)")
    case .failed(let id, let reason): .moveUnconfirmed(reason: reason, slot: failed(id).slot)
    case .advanced(let slot): .moveAdvanced(slot: slot)
    case .blocked(let reason): blocked(reason)
    case .unblocked: blocked(nil)
    }
  }

  private mutating func blocked(_ reason: String?) -> RunnerEvent {
    results.blocked(reason != nil, now: .now)
    return .movesBlocked(reason: reason)
  }

  private mutating func confirmed(_ id: Int) -> RunnerEvent? {
    guard let slot = Self.markedSlot(id) else { return copyConfirmed(slot: id) }
    guard let copy = unmarked.removeValue(forKey: slot) else { return nil }
    publish(copy, slot: slot)
    return .moveAdvanced(slot: slot)
  }

  private mutating func copyConfirmed(slot: Int) -> RunnerEvent {
    guard let result = resultsAfter.removeValue(forKey: slot) else { return .moveConfirmed(slot: slot) }
    publish(result, body: ReceivedBody.memory([]), slot: slot, then: .moveConfirmed(slot: slot))
    return .moveAdvanced(slot: slot)
  }

  private mutating func moveFailed(_ id: Int, _ reason: String) -> RunnerEvent {
    let (slot, copy) = failed(id)
    return .moveFailed(reason: (copy?.marksName.map { "queue '\($0)': " } ?? "") + reason, slot: slot)
  }

  /// The slot of the copy or mark, and the copy that waited for the mark.
  private mutating func failed(_ id: Int) -> (slot: Int, copy: Copy?) {
    guard let slot = Self.markedSlot(id) else {
      resultsAfter[id] = nil
      return (id, nil)
    }
    return (slot, unmarked.removeValue(forKey: slot))
  }
}
