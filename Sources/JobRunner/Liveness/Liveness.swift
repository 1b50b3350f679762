internal import Linux

/// A file that shows that the event loop turns, and whether the runner is connected to its broker.
package struct Liveness {
  /// How often the file is written.
  package static let period: Duration = .seconds(5)

  private let file: RecordFile
  private var shown = false
  private var hasFailed = false
  /// When the file is written next.
  private(set) var next = ContinuousClock.now

  /// Writes the file for the first time.
  /// - Throws: `RecordFile.Obstacle` or `SystemError`. The code is EEXIST if the file exists and is not a runner's.
  package init(path: String) throws {
    file = try RecordFile(path) { LivenessRecord($0) != nil }
    try show(false)
  }

  /// Writes the file if that is due, or if `isServing` has changed. Returns an error only once in a row.
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

  /// The runner has ended, so the file must not say that it is alive.
  func remove() { file.remove() }
}
