internal import Console
internal import Linux

/// How a runner came to its end, and what it did until then: the last line that it says.
struct Ending: Hashable, Sendable {
  enum Cause: Hashable, Sendable {
    /// As many items as were asked for have been taken.
    case complete
    case drained
    case stopped(Signal)
    /// Something forbade to go on, and a line of its own has said what.
    case broken
  }

  var cause: Cause
  var tally: Tally
  /// How many items were asked for; nil where there is no such number.
  var wanted: Int?
  /// The queue, and what messages call it.
  var queue: String
  var place: String
  /// Where its dead letters go.
  var deadTarget: String
  var duration: Duration

  func entry(_ level: LogEntry.Level) -> LogEntry {
    LogEntry(
      level, "\(text)",
      [
        "queue": .text(queue), "done": .integer(tally.acked), "retried": .integer(tally.retried),
        "given_back": .integer(tally.givenBack), "dead_lettered": .integer(tally.deadLettered),
        "rejected": .integer(tally.rejected), "not_settled": .integer(tally.unsettled), "seconds": .seconds(duration),
      ])
  }

  var text: String {
    let subject =
      switch cause {
      case .complete, .broken: place
      case .drained: "\(place) is drained"
      case .stopped(let signal): "stopped by \(signal); \(place)"
      }
    let time = duration < .seconds(1) ? duration.text : ProgressLine.text(duration)
    return "\(subject): \(work) in \(time)"
  }

  private var work: String {
    guard tally.taken > 0 else { return "no item was taken" }
    let counts = [
      (tally.retried, "retried"), (tally.givenBack, "given back"),
      (tally.deadLettered, "dead-lettered into \(deadTarget)"), (tally.rejected, "rejected"),
      (tally.unsettled, "not settled"),
    ]
    let others = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let done = "\(tally.acked)\(wanted.map { " of \($0)" } ?? "") done"
    return ([done] + others).joined(separator: ", ")
  }
}
