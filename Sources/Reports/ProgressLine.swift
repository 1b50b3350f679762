/// One line about the work on a queue.
public struct ProgressLine: Sendable {
  private static let barWidth = 10...40

  private let name: String
  private let figures: QueueFigures?
  private let progress: Progress

  /// About something that is not all of a queue's work.
  public init(_ name: String, _ progress: Progress) {
    (self.name, self.progress) = (name.printable, progress)
    figures = nil
  }

  public init(_ figures: QueueFigures, _ progress: Progress) {
    (name, self.figures, self.progress) = (figures.name.printable, figures, progress)
  }

  /// For a log.
  public var plain: String {
    var parts = ["\(progress.done) of \(progress.total) done"]
    if let figures {
      parts.append("\(figures.ready) ready")
      if let retry = figures.retry { parts.append("\(retry) to retry") }
      if let dead = figures.dead { parts.append("\(dead) dead") }
      parts.append(Self.consumers(figures))
    }
    return "\(name): \((parts + pace).joined(separator: ", "))"
  }

  /// For a terminal of that width, with a bar that has the room which the rest leaves, and never wider than it.
  /// `nameWidth` is that of the longest of the names that stand below each other.
  public func drawn(width: Int, nameWidth: Int) -> String {
    let name = name.padded(to: nameWidth, left: false)
    let percent = (progress.fraction.map { "\(Int($0 * 100))%" } ?? "-").padded(to: 4, left: true)
    var parts = [percent, "\(progress.done)/\(progress.total)"] + pace
    if let figures {
      parts.append(Self.consumers(figures))
      if let retry = figures.retry, retry > 0 { parts.append("\(retry) to retry") }
      if let dead = figures.dead, dead > 0 { parts.append("\(dead) dead") }
    }
    let rest = parts.joined(separator: "  ")
    let room = width - name.count - rest.count - "  []  ".count
    let bar =
      room < Self.barWidth.lowerBound
      ? "" : "[\(Self.bar(progress.fraction ?? 0, min(room, Self.barWidth.upperBound)))]  "
    return String("\(name)  \(bar)\(rest)".prefix(width))
  }

  static func bar(_ fraction: Double, _ width: Int) -> String {
    let filled = Int(fraction * Double(width))
    return String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
  }

  private static func consumers(_ figures: QueueFigures) -> String {
    "\(figures.consumers) consumer\(figures.consumers == 1 ? "" : "s")"
  }

  private var pace: [String] {
    guard progress.left > 0, let rate = progress.rate, let timeLeft = progress.timeLeft else { return [] }
    return [Self.text(rate: rate), "\(Self.text(timeLeft)) left"]
  }

  /// In the unit in which it is at least 1, where there is one.
  static func text(rate: Double) -> String {
    let units = [(1.0, "s"), (60.0, "min"), (3600.0, "h")]
    let (factor, unit) = units.first { rate * $0.0 >= 1 } ?? (3600, "h")
    let value = rate * factor
    return value < 10 ? "\((value * 10).rounded() / 10)/\(unit)" : "\(Int(value.rounded()))/\(unit)"
  }

  /// For people, to the second, and from an hour on to the minute.
  public static func text(_ duration: Duration) -> String {
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
