import Linux
import Testing

@testable import JobRunner

@Suite struct StepSequenceTests {
  @Test("A step begins when the one before it has exited 0") func aStepBeginsWhenTheOneBeforeItHasExited0() {
    var sequence = StepSequence(stepCount: 3, hasCommand: false)
    #expect(sequence.current == 0)
    #expect(sequence.ended(.exited(0)) == .step(1))
    #expect(sequence.ended(.exited(0)) == .step(2))
    #expect(sequence.ended(.exited(0)) == .passed)
  }

  @Test(
    "Nothing follows a step that fails", arguments: [ProcessStatus.exited(1), .exited(255), .killed(.kill)],
    [true, false])
  func nothingFollowsAStepThatFails(status: ProcessStatus, hasCommand: Bool) {
    var sequence = StepSequence(stepCount: 1, hasCommand: hasCommand)
    #expect(sequence.ended(status) == .failed(status))
    sequence = StepSequence(stepCount: 2, hasCommand: hasCommand)
    #expect(sequence.ended(status) == .failed(status))
    #expect(sequence.current == 0)
  }

  @Test("Nothing begins after a signal to end", arguments: [Signal.terminate, .interrupt, .hangup, .kill])
  func nothingBeginsAfterASignalToEnd(signal: Signal) {
    var sequence = StepSequence(stepCount: 2, hasCommand: false)
    sequence.signalled(signal)
    #expect(sequence.ended(.exited(0)) == .failed(.killed(signal)))
    sequence = StepSequence(stepCount: 1, hasCommand: true)
    sequence.signalled(signal)
    #expect(sequence.ended(.exited(0)) == .failed(.killed(signal)))
  }

  @Test("The last worker may finish in spite of a signal") func theLastWorkerMayFinishInSpiteOfASignal() {
    var sequence = StepSequence(stepCount: 1, hasCommand: false)
    sequence.signalled(.terminate)
    #expect(sequence.ended(.exited(0)) == .passed)
  }

  @Test("Other signals change nothing", arguments: [Signal.user1, .user2, .quit, .windowChange, .resume])
  func otherSignalsChangeNothing(signal: Signal) {
    var sequence = StepSequence(stepCount: 2, hasCommand: true)
    sequence.signalled(signal)
    #expect(sequence.interruption == nil && sequence.ended(.exited(0)) == .step(1))
  }
}

@Suite struct StepPlaceTests {
  @Test(
    "A word is a name or a path",
    arguments: [
      ("blur", "blur", "/run/x/blur.sock"), ("a.b", "a.b", "/run/x/a.b.sock"),
      ("/tmp/blur.sock", "blur", "/tmp/blur.sock"),
      ("./blur", "blur", "./blur"), ("../s/a.sock.sock", "a.sock", "../s/a.sock.sock"),
    ])
  func aWordIsANameOrAPath(word: String, name: String, path: String) {
    let place = StepPlace(word, in: "/run/x")
    #expect(place.name == name && place.path == path)
  }
}
