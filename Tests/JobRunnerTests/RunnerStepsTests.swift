import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct RunnerStepsTests {
  private static let blur = StepPlace("blur", in: "/run")

  /// A runner whose steps have answered, with an item in its only slot.
  private func working(hasRetries: Bool = false, _ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.worker.hasSteps = true
      configure(&$0)
    }
    _ = driver.start()
    driver.handle(.stepsReady)
    driver.handle(.connected(nil))
    driver.inspect(hasRetries: hasRetries)
    driver.method(.basicQoSOK)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    return driver
  }

  private func failed(_ end: StepFailure.End) -> RunnerEvent {
    .stepFailed(StepFailure(step: "blur", end: end), slot: 0)
  }

  // MARK: Before an item is taken

  @Test("Nothing is taken before every step answers") func nothingIsTakenBeforeEveryStepAnswers() {
    var driver = RunnerDriver { $0.worker.hasSteps = true }
    let actions = driver.start()
    #expect(!actions.connects && actions.sets(.connectLimit, after: .seconds(60)))
    #expect(driver.handle(.stepsReady).connects)
    #expect(!driver.handle(.stepsReady).connects)
  }

  @Test("Without steps the runner connects at once") func withoutStepsTheRunnerConnectsAtOnce() {
    var driver = RunnerDriver()
    #expect(driver.start().connects)
  }

  @Test("A silent step is named") func aSilentStepIsNamed() {
    var driver = RunnerDriver { $0.worker.hasSteps = true }
    _ = driver.start()
    let event = RunnerEvent.stepSilent(Self.blur, reason: "No such file or directory")
    #expect(
      driver.handle(event).notices
        == ["step 'blur' does not answer at /run/blur.sock: No such file or directory; trying for 60s"])
    driver.handle(.stepsReady)
    #expect(driver.handle(event).notices.isEmpty)
  }

  @Test("Steps that do not answer in time end the runner") func stepsThatDoNotAnswerInTimeEndTheRunner() {
    var driver = RunnerDriver {
      $0.worker.hasSteps = true
      $0.connection.connectTimeout = .seconds(3)
    }
    _ = driver.start()
    let actions = driver.handle(.timer(.connectLimit))
    #expect(driver.finished == .unreachable)
    #expect(actions.errors == ["not all steps answer; gave up after 3s (--connect-timeout)"])
  }

  @Test("The last line names the steps that do not answer") func theLastLineNamesTheSilentSteps() {
    var driver = RunnerDriver { $0.worker.hasSteps = true }
    _ = driver.start()
    let detect = StepPlace("detect", in: "/run")
    driver.handle(.stepSilent(Self.blur, reason: "No such file or directory"))
    driver.handle(.stepSilent(detect, reason: "No such file or directory"))
    driver.handle(.stepAnswered(detect))
    let errors = driver.handle(.timer(.connectLimit)).errors
    #expect(
      errors == [
        "not all steps answer, step 'blur' at /run/blur.sock does not; gave up after 60s (--connect-timeout)"
      ])
  }

  @Test("A path that is no socket's is explained") func pathOfNoSocket() {
    #expect(StepPlace("s/a", in: "/run").likelyAbsence.hasSuffix("did you mean s/a.sock?"))
    #expect(StepPlace("s/a.sock", in: "/run").likelyAbsence.contains("not begun yet"))
    #expect(StepPlace("a", in: "/run").likelyAbsence.contains("not begun yet"))
  }

  @Test("A step of another version ends the runner") func aStepOfAnotherVersionEndsTheRunner() {
    var driver = RunnerDriver { $0.worker.hasSteps = true }
    _ = driver.start()
    let actions = driver.handle(.stepRefused(Self.blur, reason: "it is older"))
    #expect(driver.finished == .wrongQueue)
    #expect(actions.errors == ["step 'blur' at /run/blur.sock cannot work for this runner: it is older"])
    #expect(!driver.handle(.stepsReady).connects)
  }

  @Test("A step of another version lets the items in hand be done") func aStepOfAnotherVersionLetsTheItemsInHandBeDone()
  {
    var driver = working()
    #expect(driver.handle(.stepRefused(Self.blur, reason: "it is newer")).errors.count == 1)
    #expect(driver.finished == nil)
    #expect(driver.handle(.stepRefused(Self.blur, reason: "it is newer")).errors.isEmpty)
    driver.handle(.workerEnded(.exited(0)))
    _ = driver.settle()
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A signal ends a runner that waits for its steps", arguments: [Signal.terminate, .interrupt, .hangup])
  func aSignalEndsARunnerThatWaitsForItsSteps(signal: Signal) {
    var driver = RunnerDriver { $0.worker.hasSteps = true }
    _ = driver.start()
    driver.handle(.signal(signal))
    #expect(driver.finished == .signal(signal))
  }

  // MARK: An item

  @Test("An item that has passed all steps is acked") func anItemThatHasPassedAllStepsIsAcked() {
    var driver = working()
    let actions = driver.handle(.workerEnded(.exited(0)))
    #expect(actions.writes[0].contains(.basicAck(deliveryTag: 1, multiple: false)))
    _ = driver.settle()
    #expect(driver.finished == .success)
  }

  @Test(
    "A step that fails is the attempt's failure",
    arguments: [
      (ProcessStatus.exited(3), 3, "step 'blur' exited with 3"),
      (.killed(.kill), 137, "step 'blur' was killed by KILL"),
      (.exited(77), 1, "step 'blur' exited with 77"),
    ])
  func aStepThatFailsIsTheAttemptsFailure(status: ProcessStatus, expected: Int32, words: String) {
    var driver = working()
    let actions = driver.handle(failed(.ended(status)))
    #expect(actions.errors.first?.contains(words) == true)
    #expect(actions.fields["step"] == .text("blur"))
    _ = driver.settle()
    #expect(driver.finished == Console.ExitStatus(rawValue: expected))
  }

  @Test("A step that is lost is a failed attempt") func aStepThatIsLostIsAFailedAttempt() {
    var driver = working(hasRetries: true)
    let actions = driver.handle(failed(.lost))
    let cause = DeadLetterCause(reason: .stepLost, step: "blur")
    #expect(actions.moves == [Move(destination: .retry(after: .seconds(10), cause), attempts: 1)])
    let line = driver.handle(.moveConfirmed(slot: 0)).errors.first
    #expect(line?.contains("step 'blur' was lost; comes back in 10s") == true, "\(line ?? "nothing")")
    _ = driver.settle()
    #expect(driver.finished == .failure)
  }

  @Test("The dead letter names the step") func theDeadLetterNamesTheStep() {
    var driver = working(hasRetries: true) { $0.attempts.maxAttempts = 1 }
    let failure = StepFailure(step: "blur", end: .ended(.exited(3)), standardError: "no such face")
    let actions = driver.handle(.stepFailed(failure, slot: 0))
    let cause = DeadLetterCause(reason: .failed, status: .exited(3), standardError: "no such face", step: "blur")
    #expect(actions.moves == [Move(destination: .deadLetter(cause), attempts: 1)])
  }

  @Test(
    "An item that took too long in a step has failed",
    arguments: [StepFailure.End.ended(.killed(.terminate)), .ended(.exited(0)), .lost])
  func anItemThatTookTooLongInAStepHasFailed(end: StepFailure.End) {
    var driver = working { $0.worker.timeout = .seconds(5) }
    #expect(driver.handle(.timer(.workerLimit)).signals == [.terminate])
    let line = driver.handle(failed(end)).errors.first
    #expect(line?.contains("step 'blur' ran for longer than 5s") == true)
    _ = driver.settle()
    #expect(driver.finished == .timedOut)
  }

  @Test(
    "An interrupted item goes back uncounted",
    arguments: [StepFailure.End.ended(.killed(.terminate)), .ended(.exited(1)), .lost])
  func anInterruptedItemGoesBackUncounted(end: StepFailure.End) {
    var driver = working(hasRetries: true)
    #expect(driver.handle(.signal(.terminate)).signals == [.terminate])
    #expect(driver.handle(failed(end)).moves == [Move(destination: .queue, attempts: 0)])
  }

  @Test("An item whose step stays away goes back uncounted") func anItemWhoseStepStaysAwayGoesBackUncounted() {
    var driver = working(hasRetries: true)
    let actions = driver.handle(.stepUnavailable(Self.blur, reason: "it does not answer", slot: 0))
    #expect(actions.moves == [Move(destination: .queue, attempts: 0)])
    #expect(actions.errors.first?.contains("step 'blur' at /run/blur.sock: it does not answer") == true)
    driver.handle(.moveConfirmed(slot: 0))
    _ = driver.settle()
    #expect(driver.finished == .unreachable)
  }

  // MARK: An item that is no longer ours

  @Test(
    "The runner ends however an abandoned item ends",
    arguments: [
      RunnerEvent.stepFailed(StepFailure(step: "blur", end: .lost), slot: 0),
      .stepFailed(StepFailure(step: "blur", end: .ended(.exited(0))), slot: 0),
      .stepUnavailable(blur, reason: "gone", slot: 0), .workerDidNotStart(reason: "no", slot: 0),
      .commandRefused(.internalError, reason: "no", slot: 0), .workerEnded(.exited(0), slot: 0),
    ])
  func theRunnerEndsHoweverAnAbandonedItemEnds(event: RunnerEvent) {
    var driver = working()
    #expect(driver.handle(RunnerDriver.lost()).signals == [.terminate])
    #expect(driver.handle(event).moves.isEmpty)
    #expect(driver.finished == .temporaryFailure)
  }

  @Test(
    "An item that went back with its connection is not copied",
    arguments: [
      RunnerEvent.stepUnavailable(blur, reason: "gone", slot: 0),
      .commandRefused(.internalError, reason: "no", slot: 0),
      .stepFailed(StepFailure(step: "blur", end: .lost), slot: 0),
    ])
  func anItemThatWentBackWithItsConnectionIsNotCopied(event: RunnerEvent) {
    var driver = working {
      $0.worker.onDisconnect = .finish
      $0.extent = .count(2)
    }
    driver.handle(RunnerDriver.lost())
    let actions = driver.handle(event)
    #expect(actions.moves.isEmpty && !actions.writes.joined().contains(.basicAck(deliveryTag: 1, multiple: false)))
    if case .stepFailed = event { return }
    #expect(driver.finished != nil)
  }
}

extension [RunnerAction] {
  fileprivate var connects: Bool { contains { if case .connect = $0 { true } else { false } } }

  fileprivate var fields: [String: LogEntry.Value] {
    let fields = flatMap { if case .log(let entry) = $0 { entry.fields } else { [LogEntry.Field]() } }
    return Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
  }
}
