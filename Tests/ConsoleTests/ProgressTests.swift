import Testing

@testable import Console

@Suite struct ProgressTests {
  private let start = ContinuousClock.now

  /// Looks at those seconds, with that much left.
  private func progress(_ looks: (Int, Int)...) -> Progress {
    var progress = Progress()
    for (second, left) in looks { progress.observe(left: left, at: start + .seconds(second)) }
    return progress
  }

  @Test func countsFromTheMostThatWasEverLeft() {
    let progress = progress((0, 50), (1, 80), (2, 60))
    #expect(progress.total == 80 && progress.done == 20 && progress.left == 60)
    #expect(progress.fraction == 0.25)
  }

  @Test func nothingToDoIsNoProgress() {
    let progress = progress((0, 0), (10, 0))
    #expect(progress.fraction == nil && progress.rate == nil && progress.timeLeft == nil)
  }

  @Test func aRateTakesTwoLooksAndSomethingDone() {
    #expect(progress((0, 100)).rate == nil)
    #expect(progress((0, 100), (5, 100)).rate == nil)
    let moving = progress((0, 100), (10, 80))
    #expect(moving.rate == 2 && moving.timeLeft == .seconds(40))
  }

  @Test func theRateFallsWhereNothingHappensAnyMore() {
    #expect(progress((0, 100), (10, 80), (20, 80)).rate == 1)
  }

  @Test func whatWasDoneLongAgoDoesNotCount() {
    let looks = progress((0, 1000), (10, 500), (100, 490), (110, 480), (120, 470), (165, 460))
    #expect(looks.rate == 30.0 / 65)
  }

  @Test func itemsThatComeLessOftenThanTheWindowHaveARate() {
    #expect(progress((0, 10), (600, 9), (1200, 8)).rate == 1.0 / 600)
  }

  @Test func workThatIsAddedIsNotUndone() {
    let looks = progress((0, 100), (10, 50), (11, 90))
    #expect(looks.rate == nil && looks.done == 10)
    #expect(progress((0, 100), (10, 50), (11, 90), (21, 80)).rate == 1)
  }

  /// Looks with that much left, and that many dead letters.
  private func progress(dead looks: (left: Int, dead: Int?)...) -> Progress {
    var progress = Progress()
    for (second, look) in looks.enumerated() {
      progress.observe(left: look.left, dead: look.dead, at: start + .seconds(second))
    }
    return progress
  }

  @Test func whatIsDeadLetteredIsNotDone() {
    let progress = progress(dead: (10, 7), (6, 8), (0, 9))
    #expect(progress.done == 8 && progress.deadLettered == 2 && progress.left == 0 && progress.fraction == 0.8)
  }

  @Test func whatIsSentBackIsNotDeadLetteredAnyMore() {
    #expect(progress(dead: (10, 0), (0, 4), (4, 0)).done == 6)
    let again = progress(dead: (0, 10), (10, 0), (0, 3))
    #expect(again.total == 10 && again.done == 7 && again.deadLettered == 3)
  }

  @Test func whatIsDroppedFromTheDeadLettersIsStillNotDone() {
    let progress = progress(dead: (10, 0), (0, 4), (0, 0))
    #expect(progress.done == 6 && progress.deadLettered == 4)
  }

  @Test func deadLettersThatCannotBeSeenCountAsNone() {
    #expect(progress(dead: (10, nil), (0, nil)).done == 10)
    #expect(progress(dead: (10, 5), (4, nil), (0, 7)).done == 8)
  }

  @Test func allDoneTakesNoTime() {
    #expect(progress((0, 10), (10, 0)).timeLeft == .zero)
  }
}

@Suite struct ProgressLineTests {
  private func line(left: Int, of total: Int, after seconds: Int, retry: Int? = 0, dead: Int? = 0) -> ProgressLine {
    var progress = Progress()
    let start = ContinuousClock.now
    progress.observe(left: total, at: start)
    progress.observe(left: left, at: start + .seconds(seconds))
    return ProgressLine(
      QueueFigures(name: "job1", ready: left - (retry ?? 0), consumers: 2, retry: retry, dead: dead), progress)
  }

  @Test func plain() {
    #expect(
      line(left: 550, of: 1000, after: 150, retry: 3, dead: 1).plain
        == "job1: 450 of 1000 done, 547 ready, 3 to retry, 1 dead, 2 consumers, 3.0/s, 3m03s left")
    #expect(line(left: 5, of: 5, after: 1, retry: nil, dead: nil).plain == "job1: 0 of 5 done, 5 ready, 2 consumers")
  }

  @Test func plainWithDeadLetters() {
    var progress = Progress()
    let start = ContinuousClock.now
    progress.observe(left: 10, dead: 1, at: start)
    progress.observe(left: 0, dead: 3, at: start + .seconds(10))
    let line = ProgressLine(QueueFigures(name: "job1", ready: 0, consumers: 0, retry: 0, dead: 3), progress)
    #expect(line.plain == "job1: 8 of 10 done, 2 dead-lettered, 0 ready, 0 to retry, 3 dead, 0 consumers")
    #expect(DrawnProgress([line], width: 60).lines == ["job1  [###############----]   80%  8/10  0 consumers  3 dead"])
  }

  @Test func somethingElseThanAQueuesWork() {
    var progress = Progress()
    let start = ContinuousClock.now
    progress.observe(left: 100, at: start)
    progress.observe(left: 25, at: start + .seconds(10))
    let line = ProgressLine("job1.dead", progress)
    #expect(line.plain == "job1.dead: 75 of 100 done, 7.5/s, 3s left")
    #expect(
      DrawnProgress([line], width: 60).lines == ["job1.dead  [############-----]   75%  75/100  7.5/s  3s left"])
  }

  @Test("The share of one program says what it has done, and what is left for all") func share() {
    var progress = Progress()
    let start = ContinuousClock.now
    #expect(ProgressLine("job1", progress, done: 3, failed: 0).plain == "job1: 3 done")
    progress.observe(left: 100, at: start)
    progress.observe(left: 25, at: start + .seconds(10))
    #expect(
      ProgressLine("job1", progress, done: 30, failed: 2).plain == "job1: 30 done, 2 failed, 25 left, 7.5/s, 3s left")
    let line = ProgressLine("job1", progress, done: 30, failed: 0)
    #expect(
      DrawnProgress([line], width: 60).lines == ["job1  [#########---]   75%  30 done  25 left  7.5/s  3s left"])
  }

  @Test(arguments: [
    (123.4, "123/s"), (9.96, "10.0/s"), (1, "1.0/s"), (0.5, "30/min"), (0.01, "36/h"), (0.0001, "0.4/h"),
  ])
  func rate(perSecond: Double, expected: String) { #expect(ProgressLine.text(rate: perSecond) == expected) }

  @Test(arguments: [
    (0.0, "0s"), (0.2, "0s"), (59, "59s"), (60, "1m00s"), (3599, "59m59s"), (3661, "1h01m"), (172_800, "2d00h"),
    (1e15, "11574d01h"),
  ])
  func duration(seconds: Double, expected: String) {
    #expect(ProgressLine.text(.seconds(seconds)) == expected)
  }
}
