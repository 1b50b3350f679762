/// The progress of publishing, as one line.
package struct PublishProgress: Sendable {
  private let destination: String
  private let parts: [String]

  /// `unconfirmed` is the number of items that were sent and are not confirmed yet. `rate` is in items per second. `blocked` is
  /// the broker's reason for taking no items at present.
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

  /// The line for a terminal, in at most `width` characters. Parts that do not fit are left out whole, and the name is shortened.
  package func drawn(width: Int) -> String {
    for count in stride(from: parts.count, to: 0, by: -1) {
      let rest = ": " + parts.prefix(count).joined(separator: ", ")
      let room = width - rest.count
      if room >= min(destination.count, count > 1 ? 10 : 1) { return destination.shortened(to: room) + rest }
    }
    return ""
  }
}

/// How fast a count grows, computed over the latest observations.
package struct Pace: Sendable {
  static let window: Duration = .seconds(10)
  private var observations: ArraySlice<(time: ContinuousClock.Instant, count: Int)> = []

  package init() {}

  package mutating func observe(_ count: Int, at now: ContinuousClock.Instant) {
    observations.append((now, count))
    while observations.count > 2, observations[observations.startIndex + 1].time < now - Self.window {
      observations.removeFirst()
    }
  }

  /// The growth per second. nil as long as the count has not changed.
  package var rate: Double? {
    guard let first = observations.first, let last = observations.last, last.time > first.time,
      last.count > first.count
    else { return nil }
    return Double(last.count - first.count) / (first.time.duration(to: last.time) / .seconds(1))
  }
}
