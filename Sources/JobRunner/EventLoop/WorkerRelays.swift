internal import Linux

/// The runner's own standard output and standard error, as far as workers' output goes to them through the runner. If both lead to
/// the same place, they are one, so that their lines do not mix.
struct WorkerRelays {
  /// How long passing on the last output may take when everything else is over.
  private static let flushLimit: Duration = .milliseconds(500)

  private let plan: OutputPlan
  private let areOne: Bool
  /// Other output goes above this line.
  private let line: TerminalLine?
  private var relays: [OutputStream: OutputRelay] = [:]
  private var unread: Set<OutputStream> = []
  private var newlyUnread: [OutputStream] = []

  init(_ plan: OutputPlan, _ line: TerminalLine?) {
    (self.plan, self.line) = (plan, line)
    areOne = plan.streams.count > 1 && OutputRelay.streamsAreOne
  }

  /// The relay for a worker's stream.
  func target(of stream: OutputStream) -> OutputStream { areOne ? .output : plan.target(of: stream) }

  func isIdle(_ stream: OutputStream) -> Bool { relays[target(of: stream)]?.isIdle ?? true }

  func hasRoom(_ stream: OutputStream) -> Bool { relays[target(of: stream)]?.hasRoom ?? true }

  var areIdle: Bool { relays.values.allSatisfy(\.isIdle) }

  var interests: [(stream: OutputStream, interest: PollInterest)] {
    relays.compactMap { stream, relay in relay.interest.map { (stream, $0) } }
  }

  func writtenCount(of stream: OutputStream) -> UInt64 { relays[target(of: stream)]?.writtenCount ?? 0 }

  /// Takes what a worker has written to this stream. Returns how many bytes the relay has to have written when it has written these.
  @discardableResult
  mutating func append(_ bytes: ArraySlice<UInt8>, to stream: OutputStream) -> UInt64 {
    let target = target(of: stream)
    line?.clear()
    relays[target, default: OutputRelay(to: target == .output ? .output : .error)].append(bytes)
    if isIdle(target) { line?.draw() }
    return relays[target]?.takenCount ?? 0
  }

  mutating func write(_ target: OutputStream) {
    line?.clear()
    relays[target]?.write()
    if isIdle(target) { line?.draw() }
  }

  /// What the relay has dropped since the last call. Nothing is told of a stream that nobody reads.
  mutating func takeFailure(of target: OutputStream) -> OutputRelay.Failure? {
    guard let failure = relays[target]?.takeFailure() else { return nil }
    guard failure.error.isBrokenPipe else { return failure }
    noteUnread(target)
    return nil
  }

  /// Something that a worker has written to this stream is dropped, because nobody reads it.
  mutating func noteUnread(_ target: OutputStream) {
    if unread.insert(target).inserted { newlyUnread.append(target) }
  }

  mutating func takeUnread() -> [OutputStream] {
    defer { newlyUnread = [] }
    return newlyUnread
  }

  mutating func flush() {
    let deadline = ContinuousClock.now + Self.flushLimit
    while let (stream, interest) = interests.first, ContinuousClock.now < deadline {
      _ = try? poll([interest], until: deadline)
      write(stream)
    }
  }
}
