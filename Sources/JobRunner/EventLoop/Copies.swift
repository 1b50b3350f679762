internal import AMQP
internal import Broker
internal import Linux
internal import Publishing

/// The copies that moves publish, by slot, on a connection of their own.
///
/// Before an item goes into the retry queue for the first time, its mark is put into the queue of marks. So either the item or its
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
  /// The results that are being published, by slot.
  private var results: [Int: PendingResult] = [:]

  /// - Throws: `SystemError` if no descriptors are left.
  init(access: BrokerAccess) throws {
    self.access = access
    spares = try SpareDescriptors(count: 4)
  }

  var interest: PollInterest? { publisher?.interest }
  var deadline: ContinuousClock.Instant? {
    ([publisher?.deadline] + results.values.map(\.limit)).compactMap(\.self).min()
  }

  /// The connections that are no longer used. The caller closes them.
  func takeDiscarded() -> [BrokerLink] { publisher?.takeDiscarded() ?? [] }

  func close() { publisher?.close() }

  // MARK: Publishing

  /// The id of the question about permission, in the place of a slot's number.
  private static let permissionID = -1

  /// The id of the mark of a slot's copy. The slot's number is the id of the copy itself.
  private static func markID(_ slot: Int) -> Int { -2 - slot }
  private static func markedSlot(_ id: Int) -> Int? { id <= -2 ? -2 - id : nil }

  /// Publishes the move's copy of the slot's item. `parameters` are for a connection beside `link`. Returns the connections that are
  /// no longer used.
  mutating func publish(
    _ item: WorkItem, _ move: Move, body: any MessageBody, host: String, slot: Int, beside link: BrokerLink,
    _ parameters: Connection.Parameters
  ) -> [BrokerLink] {
    var copy = Copy(
      properties: properties(of: item, move, host: host, fitting: link), body: body,
      destination: move.destination.destination(of: item))
    let discarded = connect(beside: link, parameters)
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

  fileprivate struct PendingResult {
    let destination: Destination
    let isSuccess: Bool
    /// The end of the worker, which the runner is told when the result is in its queue.
    let end: RunnerEvent
    /// The time until which the broker has to confirm the result, or to take another part of it. nil while it takes nothing.
    var limit: ContinuousClock.Instant?
  }

  private static let resultLimit: Duration = .seconds(30)
  /// The same limit once the worker was told to end.
  private static let hurriedResultLimit: Duration = .seconds(5)

  /// The id of a slot's result.
  private static func resultID(_ slot: Int) -> Int { firstResultID + slot }
  private static func resultSlot(_ id: Int) -> Int? { id >= firstResultID ? id - firstResultID : nil }
  /// Above the numbers of all slots.
  private static let firstResultID = 1 << 20

  /// Publishes the result of a worker, whose `end` is the event that follows.
  mutating func publish(
    _ result: JobResult, body: any MessageBody, slot: Int, then end: RunnerEvent, beside link: BrokerLink,
    _ parameters: Connection.Parameters
  ) -> [BrokerLink] {
    let discarded = connect(beside: link, parameters)
    results[slot] = PendingResult(
      destination: result.destination, isSuccess: result.isSuccess, end: end,
      limit: .now + Self.resultLimit)
    publisher?.publish(Self.resultID(slot), result.properties, body: body, to: result.destination)
    return discarded
  }

  /// The slot's worker was told to end, so its result has only a moment left.
  mutating func hurryResult(slot: Int, now: ContinuousClock.Instant) {
    guard let limit = results[slot]?.limit else { return }
    results[slot]?.limit = min(limit, now + Self.hurriedResultLimit)
  }

  /// The results that the broker has not confirmed in time are waited for no more.
  private mutating func lateResults(now: ContinuousClock.Instant) -> [RunnerEvent] {
    results.filter { $0.value.limit.map { $0 <= now } ?? false }.keys.sorted().compactMap { slot in
      publisher?.drop(Self.resultID(slot))
      return results.removeValue(forKey: slot)?.event(refusedFor: "the broker does not confirm it")
    }
  }

  private mutating func setResultLimits(_ limit: ContinuousClock.Instant?) {
    for slot in results.keys { results[slot]?.limit = limit }
  }

  /// Forgets the slot's result. Returns false if there is none.
  mutating func dropResult(slot: Int) -> Bool {
    guard results.removeValue(forKey: slot) != nil else { return false }
    publisher?.drop(Self.resultID(slot))
    return true
  }

  /// The event that follows the broker's word about a result; nil for any other message.
  private mutating func resultEvent(_ event: CopyPublisher.Event) -> RunnerEvent? {
    switch event {
    case .confirmed(let id): takeResult(id).map { $0.end }
    case .refused(let id, let refusal): takeResult(id).map { $0.event(refusedFor: "\(refusal)") }
    case .failed(let id, let reason): takeResult(id).map { $0.event(refusedFor: reason) }
    case .advanced(let id):
      Self.resultSlot(id).flatMap { slot in
        results[slot]?.limit = .now + Self.resultLimit
        return nil
      }
    case .blocked, .unblocked: nil
    }
  }

  private mutating func takeResult(_ id: Int) -> PendingResult? {
    Self.resultSlot(id).flatMap { results.removeValue(forKey: $0) }
  }

  /// The copy is no longer waited for.
  mutating func drop(slot: Int) {
    unmarked[slot] = nil
    publisher?.drop(Self.markID(slot))
    publisher?.drop(slot)
  }

  private mutating func connect(beside link: BrokerLink, _ parameters: Connection.Parameters) -> [BrokerLink] {
    spares = nil
    if let publisher, publisher.broker == link.broker, publisher.address == link.address { return [] }
    publisher?.close()
    let discarded = takeDiscarded()
    unmarked = [:]
    publisher = CopyPublisher(
      broker: link.broker, parameters, access: access, address: link.address, now: .now)
    return discarded
  }

  // MARK: Outcomes

  /// Sends and receives what is possible now, and returns the events.
  mutating func process(_ readiness: PollReadiness) -> [RunnerEvent] {
    let events = (publisher?.process(readiness, now: .now) ?? []).compactMap { resultEvent($0) ?? take($0) }
    return events + lateResults(now: .now)
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
    case .advanced(let id) where Self.resultSlot(id) != nil: nil
    case .confirmed(let id) where Self.resultSlot(id) != nil, .refused(let id, _) where Self.resultSlot(id) != nil,
      .failed(let id, _) where Self.resultSlot(id) != nil:
      nil
    case .advanced(let slot): .moveAdvanced(slot: slot)
    case .blocked(let reason): blocked(reason)
    case .unblocked: blocked(nil)
    }
  }

  private mutating func blocked(_ reason: String?) -> RunnerEvent {
    setResultLimits(reason == nil ? .now + Self.resultLimit : nil)
    return .movesBlocked(reason: reason)
  }

  private mutating func confirmed(_ id: Int) -> RunnerEvent? {
    guard let slot = Self.markedSlot(id) else { return .moveConfirmed(slot: id) }
    guard let copy = unmarked.removeValue(forKey: slot) else { return nil }
    publish(copy, slot: slot)
    return .moveAdvanced(slot: slot)
  }

  private mutating func moveFailed(_ id: Int, _ reason: String) -> RunnerEvent {
    let (slot, copy) = failed(id)
    return .moveFailed(reason: (copy?.marksName.map { "queue '\($0)': " } ?? "") + reason, slot: slot)
  }

  /// The slot of the copy or mark, and the copy that waited for the mark.
  private mutating func failed(_ id: Int) -> (slot: Int, copy: Copy?) {
    guard let slot = Self.markedSlot(id) else { return (id, nil) }
    return (slot, unmarked.removeValue(forKey: slot))
  }
}

extension Copies.PendingResult {
  /// A failure without its result is still that failure.
  fileprivate func event(refusedFor reason: String) -> RunnerEvent {
    guard isSuccess, let slot = end.slot else { return end }
    return .resultRefused(reason: "\(destination): \(reason)", slot: slot)
  }
}
