import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// The pauses after failures in a row.
@Suite struct PauseTests {
  private static let failure = Outcome.failed(.init(reason: .failed, exitStatus: .failure))

  private func pause(parallelism: Int = 1) -> Pause { Pause(parallelism: parallelism, jitter: { 0 }) }

  /// The pauses in milliseconds after so many failures; 0 for none.
  private func pauses(_ pause: inout Pause, after count: Int, as settlement: Settlement) -> [Int] {
    (0..<count).map { _ in
      pause.settled(Self.failure, as: settlement).map { Int($0 / .milliseconds(1)) } ?? 0
    }
  }

  @Test("Pauses grow with each item that comes straight back") func growWithEachItemThatComesStraightBack() {
    var pause = pause()
    #expect(pauses(&pause, after: 4, as: .requeued) == [0, 250, 500, 1000])
    #expect(pauses(&pause, after: 20, as: .requeuedAsCopy).last == 30_000 && pause.isActive)
  }

  @Test("A round of parallel failures counts as one") func countARoundOfParallelFailuresAsOne() {
    var pause = pause(parallelism: 4)
    #expect(pauses(&pause, after: 4, as: .requeued) == [0, 0, 0, 0] && !pause.isActive)
    #expect(pauses(&pause, after: 5, as: .requeued) == [250, 250, 250, 250, 500])
    #expect(pause.failuresInRow == 9)
  }

  @Test("Items that are too old begin no pause, unless they come back") func expired() {
    let expired = Outcome.failed(.init(reason: .expired, exitStatus: .failure))
    var pause = pause()
    for _ in 0..<5 { #expect(pause.settled(expired, as: .deadLettered(into: "queue 'q.dead'")) == nil) }
    #expect(pause.failuresInRow == 0)
    for _ in 0..<2 { _ = pause.settled(expired, as: .requeued) }
    #expect(pause.isActive)
  }

  @Test("A retry delay makes a pause unnecessary") func doNotComeWhereARetryDelayApplies() {
    var pause = pause()
    #expect(pauses(&pause, after: 20, as: .retried(after: .seconds(10))) == Array(repeating: 0, count: 20))
    #expect(pause.failuresInRow == 0 && !pause.isActive)
    #expect(pauses(&pause, after: 3, as: .retried(after: .zero)) == [0, 250, 500])
  }

  @Test("A retry leaves a pause that is under way") func leaveOneThatIsUnderWayWhenAnItemGoesToTheRetryQueue() {
    var pause = pause(parallelism: 2)
    _ = pauses(&pause, after: 3, as: .requeued)
    #expect(pauses(&pause, after: 1, as: .retried(after: .seconds(10))) == [0] && pause.isActive)
  }

  @Test("Pauses are short after dead letters") func areShortAfterDeadLetters() {
    var pause = pause()
    let deadLettered = Settlement.deadLettered(into: "queue 'q.dead'")
    #expect(pauses(&pause, after: 7, as: deadLettered) == [0, 250, 500, 1000, 2000, 2000, 2000])
    #expect(pauses(&pause, after: 1, as: .rejected) == [16_000])
  }

  @Test("A success ends a pause") func endWithASuccess() {
    var pause = pause()
    _ = pauses(&pause, after: 5, as: .requeued)
    #expect(pause.settled(.done, as: .acked) == nil && !pause.isActive)
    #expect(pauses(&pause, after: 2, as: .requeued) == [0, 250])
  }

  @Test("An interruption begins no pause") func doNotComeAfterAnInterruption() {
    var pause = pause()
    _ = pauses(&pause, after: 1, as: .requeued)
    #expect(pause.settled(.interrupted(.terminate), as: .requeued) == nil && pause.failuresInRow == 1)
  }
}
