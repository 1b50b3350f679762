internal import Console

/// What a runner has done so far.
struct Tally: Hashable, Sendable {
  /// Items that a worker was started on, or that had no attempt left.
  var taken = 0
  var done = 0
  var failed = 0
  private(set) var deadLettered = 0
  private(set) var rejected = 0
  /// Items whose ack the broker was sent, and has not failed to take so far.
  private(set) var acked = 0
  private(set) var retried = 0
  private(set) var givenBack = 0
  private(set) var failuresInRow = 0
  /// The worst that a single item has come to.
  private(set) var lastFailure: ExitStatus?

  mutating func count(_ outcome: Outcome) {
    switch outcome {
    case .done:
      done += 1
      failuresInRow = 0
    case .failed(let failure):
      failed += 1
      failuresInRow += 1
      lastFailure = failure.exitStatus
    case .interrupted(let signal):
      failed += 1
      lastFailure = .signal(signal)
    }
  }

  mutating func count(_ disposal: Disposal) {
    switch disposal {
    case .acked: acked += 1
    case .retried: retried += 1
    case .givenBack, .givenBackAsCopy, .givenBackByBroker: givenBack += 1
    case .deadLettered: deadLettered += 1
    case .rejected: rejected += 1
    }
  }

  /// The broker may not have taken an ack that was counted.
  mutating func ackLost() { acked -= 1 }

  var settled: Int { acked + retried + givenBack + deadLettered + rejected }

  /// Items that were taken, and of which nothing is known to have become.
  var unsettled: Int { taken - settled }

}
