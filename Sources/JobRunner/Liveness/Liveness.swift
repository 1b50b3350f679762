internal import Linux

/// Shows in a file that the event loop turns, and whether the runner has its broker.
package struct Liveness {
  /// The time from one sign of life to the next.
  package static let period: Duration = .seconds(5)

  private let file: RecordFile
  private var shown = false
  private var hasFailed = false
  /// When the next sign is due.
  private(set) var next = ContinuousClock.now

  /// Gives the first sign.
  /// - Throws: `RecordFile.LinkError`, `SystemError`; its code is EEXIST where the file is there and no runner's.
  package init(path: String) throws {
    file = try RecordFile(path) { LivenessRecord($0) != nil }
    try show(false)
  }

  /// Gives a sign, if one is due or `isServing` is news. What keeps it from being written is returned once.
  mutating func update(isServing: Bool, now: ContinuousClock.Instant) -> SystemError? {
    guard now >= next || isServing != shown else { return nil }
    do throws(SystemError) {
      try show(isServing)
      hasFailed = false
      return nil
    } catch {
      defer { hasFailed = true }
      return hasFailed ? nil : error
    }
  }

  private mutating func show(_ isServing: Bool) throws(SystemError) {
    next = .now + Self.period
    shown = isServing
    try file.replace(with: LivenessRecord(time: ThisProcess.monotonicTime, isServing: isServing).bytes)
  }

  /// The runner has ended: an old file must not speak for it.
  func remove() { file.remove() }
}
