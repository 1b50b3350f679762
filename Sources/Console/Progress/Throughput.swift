/// How fast a queue is filled and worked off. Looks at the queue show by how much it grows or shrinks. Only a job log of the runners
/// shows what they have done, and so what has arrived.
package struct Throughput: Sendable {
  /// A worker's run on an item, as a job log has it.
  package struct Attempt: Hashable, Sendable {
    /// When it ended, in seconds since 1970-01-01T00:00:00Z.
    package var end: Double
    /// How long it took, in seconds.
    package var duration: Double

    package init(end: Double, duration: Double) { (self.end, self.duration) = (end, duration) }
  }

  /// Older looks do not count.
  static let window: Duration = .seconds(60)
  /// The mean time of an attempt is that of the last ones, in seconds.
  static let serviceWindow = 600.0

  /// The number of workers of each runner. nil where there is no job log.
  private let parallelism: Int?
  private var looks: ArraySlice<(time: ContinuousClock.Instant, figures: QueueFigures)> = []
  private var attempts: [Attempt] = []
  /// The mean time in seconds of the latest attempts.
  private var serviceTime: Double?

  /// `parallelism` is nil where there is no job log.
  package init(parallelism: Int? = nil) { self.parallelism = parallelism }

  /// Takes what a look at the queue has shown at `time`. `ended` are the attempts that are new in the job log, and `clock` is the
  /// time in seconds since 1970-01-01T00:00:00Z.
  package mutating func observe(
    _ figures: QueueFigures, at time: ContinuousClock.Instant, ended: [Attempt] = [], clock: Double = 0
  ) {
    looks.append((time, figures))
    while looks.count > 2, looks[looks.startIndex + 1].time <= time - Self.window { looks.removeFirst() }
    let oldest = clock - max(Self.serviceWindow, seconds)
    attempts = (attempts + ended).filter { $0.end > oldest }
    guard !attempts.isEmpty else { return }
    serviceTime = attempts.map(\.duration).reduce(0, +) / Double(attempts.count)
  }

  /// The time in seconds from the first look that counts to the latest one.
  private var seconds: Double {
    guard let first = looks.first, let last = looks.last else { return 0 }
    return first.time.duration(to: last.time) / .seconds(1)
  }

  /// What is known at `clock`, the time of the latest look in seconds since 1970-01-01T00:00:00Z. nil before the second look.
  package func rates(at clock: Double) -> QueueRates? {
    guard let first = looks.first, let last = looks.last, seconds > 0 else { return nil }
    var rates = QueueRates(netChange: Double(last.figures.ready - first.figures.ready) / seconds)
    guard let parallelism else { return rates }
    let done = attempts.count { $0.end > clock - seconds && $0.end <= clock }
    rates.completions = Double(done) / seconds
    rates.serviceTime = serviceTime
    guard let arrivals = rates.arrivals, let serviceTime else { return rates }
    // Each consumer of a runner has one item at most.
    let most = looks.map { $0.figures.ready + $0.figures.consumers }.max() ?? 0
    let work = Workload(arrivalRate: arrivals, serviceTime: serviceTime, waiting: last.figures.ready, most: most)
    rates.advice = work.runners(parallelism: parallelism)
    return rates
  }
}

/// How fast a queue is filled and worked off, in items per second. What is not known is nil.
package struct QueueRates: Hashable, Sendable {
  /// By how much the number of ready items grows.
  package var netChange: Double
  /// The attempts that end.
  package var completions: Double?
  /// The mean time of an attempt in seconds.
  package var serviceTime: Double?
  /// The number of runners that the work needs.
  package var advice: Int?

  package init(netChange: Double) { self.netChange = netChange }

  /// The items that become ready, those that are to be tried again among them.
  package var arrivals: Double? { completions.map { max(0, $0 + netChange) } }

  /// The members of JSON output; for no rates, all of them are null.
  static func members(_ rates: QueueRates?) -> [JSON.Member] {
    func number(_ value: Double?) -> JSON { value.map { .number(($0 * 1000).rounded() / 1000) } ?? .null }
    return [
      .init("net_change", number(rates?.netChange)), .init("arrivals", number(rates?.arrivals)),
      .init("completions", number(rates?.completions)), .init("service_time", number(rates?.serviceTime)),
      .init("advice", rates?.advice.map { .integer(Int64($0)) } ?? .null),
    ]
  }

  /// The rates for people. Without a job log, what a queue loses is its progress, which is shown elsewhere.
  var texts: [String] {
    guard let completions, let arrivals else {
      return netChange > 0 ? ["growing by \(ProgressLine.text(rate: netChange))"] : []
    }
    var texts = ["\(Self.text(arrivals)) arriving", "\(Self.text(completions)) done"]
    if let serviceTime { texts.append("\((serviceTime * 100).rounded() / 100)s each") }
    if let advice { texts.append("advice: \(advice.counted("runner"))") }
    return texts
  }

  private static func text(_ rate: Double) -> String { rate > 0 ? ProgressLine.text(rate: rate) : "0/s" }
}
