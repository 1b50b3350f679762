internal import Console

/// What a runner has done so far.
struct Tally: Hashable, Sendable {
  /// Items on which a worker was started, or which had no attempt left.
  var taken = 0
  var done = 0
  var failed = 0
  private(set) var deadLettered = 0
  private(set) var rejected = 0
  /// Items that were acked, unless the broker may not have taken the ack.
  private(set) var acked = 0
  private(set) var retried = 0
  private(set) var requeued = 0
  /// Those of them that went back by themselves, as when the connection is lost.
  private var takenBack = 0
  /// The exit status for the last item that failed.
  private(set) var lastFailure: ExitStatus?

  mutating func count(_ outcome: Outcome) {
    switch outcome {
    case .done:
      done += 1
    case .failed(let failure):
      failed += 1
      lastFailure = failure.exitStatus
    case .interrupted(let signal):
      failed += 1
      lastFailure = .signal(signal)
    case .abandoned: failed += 1
    }
  }

  mutating func count(_ settlement: Settlement) {
    switch settlement {
    case .acked: acked += 1
    case .retried: retried += 1
    case .requeued, .requeuedAsCopy: requeued += 1
    case .requeuedByBroker:
      requeued += 1
      takenBack += 1
    case .deadLettered: deadLettered += 1
    case .rejected, .dropped: rejected += 1
    case .unsettled: break
    }
  }

  /// The broker may not have taken an ack that was counted.
  mutating func ackLost() { acked -= 1 }

  var settled: Int { acked + retried + requeued + deadLettered + rejected }

  /// The items that this runner itself has settled.
  var settledHere: Int { settled - takenBack }

  /// Items that were taken, and whose settlement is not known.
  var unsettled: Int { taken - settled }

}
