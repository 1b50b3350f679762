internal import Broker
internal import Publishing

/// The results that are being published, by slot, without any I/O. The runner is told of a worker's end when its result is in a
/// queue.
struct PendingResults {
  private struct Pending {
    let destination: Destination
    let isSuccess: Bool
    let size: UInt64
    /// What follows: the end of the worker, mostly.
    let end: RunnerEvent
    /// The time until which the broker has to confirm the result, or to take another part of it. nil while it takes nothing.
    var limit: ContinuousClock.Instant?

    /// The time that the broker has for each step. A result that only says that there is none must not hold up its item for long,
    /// and a copy is confirmed within `Runner.settlementLimit`.
    var patience: Duration {
      switch end {
      case .resultRefused: .seconds(5)
      case .moveConfirmed: .seconds(3)
      default: .seconds(30)
      }
    }

    /// A failure without its result is still that failure.
    func outcome(refusedFor reason: String) -> Outcome {
      guard isSuccess, let slot = end.slot else { return .over(end) }
      return .refused(reason: "\(destination): \(reason)", slot: slot)
    }
  }

  /// What a result comes to.
  enum Outcome: Hashable {
    /// The result is in a queue.
    case published(size: UInt64, before: RunnerEvent)
    /// Nothing more is to be published before this event.
    case over(RunnerEvent)
    /// The worker exited 0, and its result could not be published. So the job has failed, which may have a result of its own.
    case refused(reason: String, slot: Int)
  }

  /// The time that is left for a result once the worker was told to end.
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

  /// A result is being published, and `end` is to follow.
  mutating func add(
    _ result: JobResult, size: UInt64, before end: RunnerEvent, slot: Int, now: ContinuousClock.Instant
  ) {
    pending[slot] = Pending(destination: result.destination, isSuccess: result.isSuccess, size: size, end: end)
    restart(slot, now: now)
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
    for slot in pending.keys { restart(slot, now: now) }
  }

  private mutating func restart(_ slot: Int, now: ContinuousClock.Instant) {
    guard let patience = pending[slot]?.patience else { return }
    pending[slot]?.limit = isBlocked ? nil : now + patience
  }

  /// Takes the broker's word about a result. Returns what that comes to, if it is the last one.
  mutating func take(_ event: CopyPublisher.Event, now: ContinuousClock.Instant) -> Outcome? {
    switch event {
    case .confirmed(let id): remove(id: id).map { .published(size: $0.size, before: $0.end) }
    case .refused(let id, let refusal): remove(id: id).map { $0.outcome(refusedFor: "\(refusal)") }
    case .failed(let id, let reason): remove(id: id).map { $0.outcome(refusedFor: reason) }
    case .advanced(let id): advanced(id, now: now)
    case .blocked, .unblocked: nil
    }
  }

  private mutating func remove(id: Int) -> Pending? { pending.removeValue(forKey: id - Self.firstID) }

  private mutating func advanced(_ id: Int, now: ContinuousClock.Instant) -> Outcome? {
    restart(id - Self.firstID, now: now)
    return nil
  }

  /// Removes the results that the broker has not confirmed in time. Returns what each of them comes to.
  mutating func takeLate(now: ContinuousClock.Instant) -> [(slot: Int, outcome: Outcome)] {
    let late = pending.filter { $0.value.limit.map { $0 <= now } ?? false }
    for slot in late.keys { pending[slot] = nil }
    return late.sorted { $0.key < $1.key }.map {
      ($0.key, $0.value.outcome(refusedFor: "the broker does not confirm it"))
    }
  }
}
