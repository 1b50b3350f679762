internal import Console
internal import Linux

/// The runner's last line: how it came to its end, and what it did until then.
struct Ending: Hashable, Sendable {
  enum Cause: Hashable, Sendable {
    /// The runner has taken as many items as it was asked for.
    case complete
    case drained
    case stopped(Signal)
    /// It was impossible to go on, and a line of its own has said why.
    case broken
  }

  var cause: Cause
  var tally: Tally
  /// How many items were asked for; nil if there is no such number.
  var wanted: Int?
  /// The queue, and how messages name it.
  var queue: String
  var queueLabel: String
  /// Where the queue's dead letters go.
  var deadTarget: String
  /// What became of rejected items.
  var rejection = "rejected"
  var duration: Duration

  func entry(_ level: LogEntry.Level) -> LogEntry {
    LogEntry(
      level, "\(text)",
      [
        "queue": .text(queue), "done": .integer(tally.acked), "retried": .integer(tally.retried),
        "given_back": .integer(tally.requeued), "dead_lettered": .integer(tally.deadLettered),
        "rejected": .integer(tally.rejected), "not_settled": .integer(tally.unsettled), "seconds": .seconds(duration),
      ])
  }

  var text: String {
    let subject =
      switch cause {
      case .complete, .broken: queueLabel
      case .drained: "\(queueLabel) is drained"
      case .stopped(let signal): "stopped by \(signal); \(queueLabel)"
      }
    let time = duration < .seconds(1) ? duration.text : ProgressLine.text(duration)
    return "\(subject): \(work) in \(time)"
  }

  private var work: String {
    guard tally.taken > 0 else { return "no item was taken" }
    let counts = [
      (tally.retried, "retried"), (tally.requeued, "given back"),
      (tally.deadLettered, "dead-lettered into \(deadTarget)"), (tally.rejected, rejection),
      (tally.unsettled, "not settled"),
    ]
    let others = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let done = "\(tally.acked)\(wanted.map { " of \($0)" } ?? "") done"
    return ([done] + others).joined(separator: ", ")
  }
}
