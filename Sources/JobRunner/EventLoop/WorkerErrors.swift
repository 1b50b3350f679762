internal import Linux

/// The standard errors of workers, by slot, if their ends are kept for dead letters. Everything is passed on to the runner's standard
/// error. While that has no room, nothing is read, so that a worker that writes more has to wait, as it would with a standard error of
/// its own. The runner never waits for the end of a standard error.
struct WorkerErrors {
  private struct Stream {
    let errors: ChildErrorOutput
    var tail: StandardErrorTail
  }

  /// How long passing on the last output may take when everything else is over.
  private static let flushLimit: Duration = .milliseconds(500)

  /// How many bytes are kept of each standard error.
  private let limit: Int
  private var streams: [Int: Stream] = [:]
  private var relay = StandardErrorRelay()
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(limit: Int) { self.limit = limit }

  mutating func begin(_ errors: ChildErrorOutput, slot: Int) {
    streams[slot] = Stream(errors: errors, tail: StandardErrorTail(limit: limit))
  }

  /// What to wait for on the workers' pipes.
  var interests: [(slot: Int, interest: PollInterest)] {
    guard relay.isIdle else { return [] }
    return streams.compactMap { slot, stream in stream.errors.interest.map { (slot, $0) } }
  }

  /// What to wait for on the runner's standard error.
  var relayInterest: PollInterest? { relay.interest }

  /// - Throws: `SystemError`
  mutating func read(slot: Int) throws {
    guard let count = try streams[slot]?.errors.read(into: &buffer), count > 0 else { return }
    streams[slot]?.tail.append(buffer[..<count])
    relay.append(buffer[..<count])
  }

  mutating func handOn() { relay.write() }

  /// The worker has ended. Returns the end of what it wrote, if it wrote anything.
  mutating func finish(slot: Int) -> String? {
    guard var stream = streams.removeValue(forKey: slot) else { return nil }
    // A failure to read is ignored, because the item still has to be settled.
    try? stream.errors.finish(with: &buffer) { part in
      stream.tail.append(part)
      relay.append(part)
    }
    return stream.tail.text
  }

  /// Passes on the last output, within a short limit.
  mutating func flush() {
    let deadline = ContinuousClock.now + Self.flushLimit
    while let interest = relay.interest, ContinuousClock.now < deadline {
      _ = try? poll([interest], until: deadline)
      relay.write()
    }
  }
}
