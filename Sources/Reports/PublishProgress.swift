/// One line about items that are being published.
package struct PublishProgress: Sendable {
  private let destination: String
  private let parts: [String]

  /// `rate` is in items per second; `blocked` is why the broker takes nothing for now.
  package init(
    destination: String, confirmed: Int, whereItemsAre: String = "in the queue", unconfirmed: Int, total: Int?,
    rate: Double?, blocked: String?
  ) {
    let count = total.map { "\(confirmed) of \($0)" } ?? "\(confirmed)"
    var parts = ["\(count) \(whereItemsAre)", "\(unconfirmed) under way"]
    if let rate { parts.append(ProgressLine.text(rate: rate)) }
    if let blocked { parts.append("the broker takes nothing: \(blocked.printable)") }
    self.destination = destination.printable
    self.parts = parts
  }

  package var text: String { "\(destination): \(parts.joined(separator: ", "))" }

  /// For a terminal of that width, and never wider. What there is no room for is left out whole, and the name is shortened.
  package func drawn(width: Int) -> String {
    for count in stride(from: parts.count, to: 0, by: -1) {
      let rest = ": " + parts.prefix(count).joined(separator: ", ")
      let room = width - rest.count
      if room >= min(destination.count, count > 1 ? 10 : 1) { return destination.shortened(to: room) + rest }
    }
    return ""
  }
}

/// How fast something that is counted grows, over the last looks.
package struct Pace: Sendable {
  static let window: Duration = .seconds(10)
  private var looks: ArraySlice<(time: ContinuousClock.Instant, count: Int)> = []

  package init() {}

  package mutating func observe(_ count: Int, at now: ContinuousClock.Instant) {
    looks.append((now, count))
    while looks.count > 2, looks[looks.startIndex + 1].time < now - Self.window { looks.removeFirst() }
  }

  /// Per second; nil as long as nothing has changed.
  package var rate: Double? {
    guard let first = looks.first, let last = looks.last, last.time > first.time, last.count > first.count else {
      return nil
    }
    return Double(last.count - first.count) / (first.time.duration(to: last.time) / .seconds(1))
  }
}
