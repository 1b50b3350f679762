internal import Broker
internal import Publishing

/// The results that are being published, by slot, without any I/O. The runner is told of a worker's end when its result is in a
/// queue.
struct PendingResults {
  private struct Pending {
    let destination: Destination
    let isSuccess: Bool
    let size: UInt64
    /// The end of the worker.
    let end: RunnerEvent
    /// The time until which the broker has to confirm the result, or to take another part of it. nil while it takes nothing.
    var limit: ContinuousClock.Instant?

    var confirmed: [RunnerEvent] { (end.slot.map { [.resultPublished(size: size, slot: $0)] } ?? []) + [end] }

    /// A failure without its result is still that failure.
    func event(refusedFor reason: String) -> RunnerEvent {
      guard isSuccess, let slot = end.slot else { return end }
      return .resultRefused(reason: "\(destination): \(reason)", slot: slot)
    }
  }

  private static let limit: Duration = .seconds(30)
  /// The same limit once the worker was told to end.
  private static let hurriedLimit: Duration = .seconds(5)
  /// Above the numbers of all slots, which are the ids of their copies.
  private static let firstID = 1 << 20

  private var pending: [Int: Pending] = [:]
  private var isBlocked = false

  /// The id of a slot's result.
  static func id(slot: Int) -> Int { firstID + slot }

  /// Whether the message with this id is a result.
  static func isResult(_ id: Int) -> Bool { id >= firstID }

  /// The latest time for the next call of `takeLate`.
  var deadline: ContinuousClock.Instant? { pending.values.compactMap(\.limit).min() }

  /// The result of a worker is being published, and `end` is to follow.
  mutating func add(
    _ result: JobResult, size: UInt64, before end: RunnerEvent, slot: Int, now: ContinuousClock.Instant
  ) {
    pending[slot] = Pending(
      destination: result.destination, isSuccess: result.isSuccess, size: size, end: end,
      limit: isBlocked ? nil : now + Self.limit)
  }

  /// Returns false if the slot has no result.
  mutating func remove(slot: Int) -> Bool { pending.removeValue(forKey: slot) != nil }

  /// The slot's worker was told to end, so its result has only a moment left.
  mutating func hurry(slot: Int, now: ContinuousClock.Instant) {
    guard let limit = pending[slot]?.limit else { return }
    pending[slot]?.limit = min(limit, now + Self.hurriedLimit)
  }

  /// The broker takes no messages for now, or takes them again.
  mutating func blocked(_ isBlocked: Bool, now: ContinuousClock.Instant) {
    self.isBlocked = isBlocked
    for slot in pending.keys { pending[slot]?.limit = isBlocked ? nil : now + Self.limit }
  }

  /// Takes the broker's word about a result. Returns the events that follow.
  mutating func take(_ event: CopyPublisher.Event, now: ContinuousClock.Instant) -> [RunnerEvent] {
    switch event {
    case .confirmed(let id): return remove(id: id)?.confirmed ?? []
    case .refused(let id, let refusal): return remove(id: id).map { [$0.event(refusedFor: "\(refusal)")] } ?? []
    case .failed(let id, let reason): return remove(id: id).map { [$0.event(refusedFor: reason)] } ?? []
    case .advanced(let id): advanced(id, now: now)
    case .blocked, .unblocked: break
    }
    return []
  }

  private mutating func remove(id: Int) -> Pending? { pending.removeValue(forKey: id - Self.firstID) }

  private mutating func advanced(_ id: Int, now: ContinuousClock.Instant) {
    pending[id - Self.firstID]?.limit = isBlocked ? nil : now + Self.limit
  }

  /// Removes the results that the broker has not confirmed in time. Returns the event that follows for each slot.
  mutating func takeLate(now: ContinuousClock.Instant) -> [(slot: Int, event: RunnerEvent)] {
    let late = pending.filter { $0.value.limit.map { $0 <= now } ?? false }
    for slot in late.keys { pending[slot] = nil }
    return late.sorted { $0.key < $1.key }.map {
      ($0.key, $0.value.event(refusedFor: "the broker does not confirm it"))
    }
  }
}
