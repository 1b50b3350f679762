internal import AMQP
internal import Linux

/// Finds out which files are still being written: a file is complete when nothing of it has changed between two looks.
struct GrowthWatch: Sendable {
  private struct Look: Sendable {
    var stamp: FileStamp
    var since: ContinuousClock.Instant
  }

  private let period: Duration
  private var looks: [ByteString: Look] = [:]

  /// The looks are at least `period` apart.
  init(period: Duration) { self.period = period }

  /// Looks at a file, and returns whether it is complete.
  mutating func look(_ name: ByteString, _ stamp: FileStamp, now: ContinuousClock.Instant) -> Bool {
    guard let last = looks[name], last.stamp == stamp else {
      looks[name] = Look(stamp: stamp, since: now)
      return false
    }
    guard now >= last.since + period else { return false }
    looks[name] = nil
    return true
  }

  /// Forgets the files that are gone.
  mutating func keep(_ names: [ByteString]) {
    guard !looks.isEmpty else { return }
    let present = Set(names)
    looks = looks.filter { present.contains($0.key) }
  }
}
