/// The progress of the work on a queue, as one line.
package struct ProgressLine: Sendable {
  let name: String
  private let figures: QueueFigures?
  private let progress: Progress
  private var rates: QueueRates?
  /// What one program has done of the work.
  private var share: Share?

  private struct Share {
    let done: Int
    let failed: Int
  }

  /// The progress of something other than all the work of a queue.
  package init(_ name: String, _ progress: Progress) {
    (self.name, self.progress) = (name.printable, progress)
    figures = nil
  }

  /// The progress of one program among those that work on a queue.
  package init(_ name: String, _ progress: Progress, done: Int, failed: Int) {
    self.init(name, progress)
    share = Share(done: done, failed: failed)
  }

  package init(_ figures: QueueFigures, _ progress: Progress, _ rates: QueueRates? = nil) {
    (name, self.figures, self.progress, self.rates) = (figures.name.printable, figures, progress, rates)
  }

  /// The line for a log.
  package var plain: String {
    var parts = share.map { share in counts(share).map(\.text) } ?? ["\(progress.done) of \(progress.total) done"]
    if progress.deadLettered > 0 { parts.append("\(progress.deadLettered) dead-lettered") }
    if let figures {
      parts.append("\(figures.ready) ready")
      if let retry = figures.retry { parts.append("\(retry) to retry") }
      if let dead = figures.dead { parts.append("\(dead) dead") }
      parts.append(Self.consumers(figures))
    }
    return "\(name): \((parts + pace + (rates?.texts ?? [])).joined(separator: ", "))"
  }

  /// One column of the line on a terminal.
  struct Column: Hashable, Sendable {
    /// How important a column is. The least important one comes first.
    enum Weight: Int, CaseIterable, Comparable, Sendable {
      case throughput, rate, consumers, timeLeft, retry, dead, counts, percent

      static func < (one: Weight, other: Weight) -> Bool { one.rawValue < other.rawValue }
    }

    let weight: Weight
    let text: String
  }

  var columns: [Column] {
    let percent = (progress.fraction.map { "\(Int($0 * 100))%" } ?? "-").padded(to: 4, left: true)
    var columns = [Column(weight: .percent, text: percent)]
    columns += share.map(counts) ?? [Column(weight: .counts, text: "\(progress.done)/\(progress.total)")]
    columns += zip([.rate, .timeLeft], pace).map { Column(weight: $0, text: $1) }
    columns += (rates?.texts ?? []).map { Column(weight: .throughput, text: $0) }
    guard let figures else { return columns }
    columns.append(Column(weight: .consumers, text: Self.consumers(figures)))
    if let retry = figures.retry, retry > 0 { columns.append(Column(weight: .retry, text: "\(retry) to retry")) }
    if let dead = figures.dead, dead > 0 { columns.append(Column(weight: .dead, text: "\(dead) dead")) }
    return columns
  }

  private func counts(_ share: Share) -> [Column] {
    var columns = [Column(weight: .counts, text: "\(share.done) done")]
    if share.failed > 0 { columns.append(Column(weight: .dead, text: "\(share.failed) failed")) }
    if progress.isKnown { columns.append(Column(weight: .counts, text: "\(progress.left) left")) }
    return columns
  }

  /// The fraction of the work that is done, from 0 to 1.
  var fraction: Double { progress.fraction ?? 0 }

  private static func consumers(_ figures: QueueFigures) -> String {
    "\(figures.consumers) consumer\(figures.consumers == 1 ? "" : "s")"
  }

  private var pace: [String] {
    guard progress.left > 0, let rate = progress.rate, let timeLeft = progress.timeLeft else { return [] }
    return [Self.text(rate: rate), "\(Self.text(timeLeft)) left"]
  }

  /// The rate per second, minute or hour: the first of these in which it is at least 1.
  static func text(rate: Double) -> String {
    let units = [(1.0, "s"), (60.0, "min"), (3600.0, "h")]
    let (factor, unit) = units.first { rate * $0.0 >= 1 } ?? (3600, "h")
    let value = rate * factor
    return value < 10 ? "\((value * 10).rounded() / 10)/\(unit)" : "\(Int(value.rounded()))/\(unit)"
  }

  /// The duration for people: exact to the second, from one hour on to the minute, and from two days on to the hour.
  package static func text(_ duration: Duration) -> String {
    let seconds = Int(min(duration / .seconds(1), 1e9).rounded())
    func pair(_ unit: Int, _ name: String, _ smaller: Int, _ smallerName: String) -> String {
      let rest = seconds % unit / smaller
      return "\(seconds / unit)\(name)\(rest < 10 ? "0" : "")\(rest)\(smallerName)"
    }
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return pair(60, "m", 1, "s")
    case ..<172_800: return pair(3600, "h", 60, "m")
    default: return pair(86_400, "d", 3600, "h")
    }
  }
}
