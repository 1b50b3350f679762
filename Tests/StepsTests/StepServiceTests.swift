import Console
import Linux
import Testing

@testable import Steps

@Suite struct StepServiceTests {
  private static let hello = StepMessage.hello(version: StepMessage.version, program: "0.2.0")
  private var service = StepService(program: "0.1.0")

  private mutating func connect(_ id: Int = 1) {
    _ = service.handle(.connected(runner: id))
    _ = service.handle(.received(Self.hello, runner: id))
  }

  /// A worker of the runner has been started.
  private mutating func work(_ processID: Int32 = 100, slot: Int = 0, runner id: Int = 1) {
    _ = service.handle(.received(.run(streams: [], slot: slot), runner: id))
    _ = service.handle(.started(processID: processID, slot: slot, runner: id))
  }

  private func lines(_ actions: [StepService.Action]) -> [String] {
    actions.compactMap { if case .log(let entry) = $0 { entry.message.text(for: .amqpJob) } else { nil } }
  }

  // MARK: Runners

  @Test("Who connects is told the version") mutating func whoConnectsIsToldTheVersion() {
    #expect(
      service.handle(.connected(runner: 1))
        == [.send(.hello(version: StepMessage.version, program: "0.1.0"), runner: 1)])
  }

  @Test("A runner gets a worker for an item and its end") mutating func aRunnerGetsAWorkerForAnItemAndItsEnd() {
    connect()
    #expect(
      service.handle(.received(.run(streams: .output, slot: 2), runner: 1))
        == [.start(.output, slot: 2, runner: 1)])
    #expect(service.handle(.started(processID: 100, slot: 2, runner: 1)).isEmpty)
    #expect(
      service.handle(.ended(processID: 100, .exited(3))) == [.send(.ended(.exited(3), slot: 2), runner: 1)])
  }

  @Test("A runner is told that a worker cannot be started") mutating func aRunnerIsToldThatAWorkerCannotBeStarted() {
    connect()
    let error = SystemError(call: "exec", code: 2)
    _ = service.handle(.received(.run(streams: [], slot: 0), runner: 1))
    #expect(
      service.handle(.notStarted(error, slot: 0, runner: 1)) == [.send(.notStarted(error, slot: 0), runner: 1)])
    #expect(service.handle(.received(.run(streams: [], slot: 0), runner: 1)) == [.start([], slot: 0, runner: 1)])
  }

  @Test("A runner of another version is named in one line") mutating func aRunnerOfAnotherVersionIsNamedInOneLine() {
    _ = service.handle(.connected(runner: 1))
    let actions = service.handle(.received(.hello(version: 2, program: "9.9"), runner: 1))
    #expect(actions.count == 1)
    let line = lines(actions).first ?? ""
    #expect(line.contains("amqp-job 9.9") && line.contains("version 2") && line.contains("this step version 1"))
  }

  @Test(
    "Who has not said hello gets nothing",
    arguments: [StepMessage.run(streams: [], slot: 0), .signal(.kill, slot: 0), .end])
  mutating func whoHasNotSaidHelloGetsNothing(message: StepMessage) {
    _ = service.handle(.connected(runner: 1))
    let actions = service.handle(.received(message, runner: 1))
    #expect(lines(actions).count == 1 && actions.last == .disconnect(runner: 1))
    #expect(service.handle(.received(message, runner: 1)).isEmpty)
  }

  @Test(
    "Who does not speak as a runner loses its workers",
    arguments: [
      StepMessage.notStarted(.readFailed, slot: 0), .ended(.exited(0), slot: 0), .run(streams: [], slot: 0),
    ])
  mutating func whoDoesNotSpeakAsARunnerLosesItsWorkers(message: StepMessage) {
    connect()
    work()
    let actions = service.handle(.received(message, runner: 1))
    #expect(Array(actions.dropFirst()) == [.signal(.kill, processID: 100), .disconnect(runner: 1)])
  }

  @Test("The workers of a runner that is gone are killed") mutating func theWorkersOfARunnerThatIsGoneAreKilled() {
    connect(1)
    connect(2)
    work(100, slot: 0, runner: 1)
    work(101, slot: 1, runner: 1)
    work(200, slot: 0, runner: 2)
    #expect(
      service.handle(.disconnected(runner: 1))
        == [.signal(.kill, processID: 100), .signal(.kill, processID: 101), .disconnect(runner: 1)])
    #expect(service.handle(.ended(processID: 100, .killed(.kill))).isEmpty)
    #expect(
      service.handle(.ended(processID: 200, .exited(0))) == [.send(.ended(.exited(0), slot: 0), runner: 2)])
  }

  @Test("A runner's signal reaches its worker only") mutating func aRunnersSignalReachesItsWorkerOnly() {
    connect(1)
    connect(2)
    work(100, slot: 0, runner: 1)
    work(200, slot: 0, runner: 2)
    #expect(
      service.handle(.received(.signal(.user1, slot: 0), runner: 2)) == [.signal(.user1, processID: 200)])
    #expect(service.handle(.received(.signal(.user1, slot: 5), runner: 2)).isEmpty)
  }

  // MARK: The end

  @Test("The step ends when its runner has ended") mutating func theStepEndsWhenItsRunnerHasEnded() {
    connect()
    #expect(service.handle(.received(.end, runner: 1)).suffix(2) == [.disconnect(runner: 1), .finish])
  }

  @Test("The step ends once the workers of its runner have ended")
  mutating func theStepEndsOnceTheWorkersOfItsRunnerHaveEnded() {
    connect()
    work()
    let actions = service.handle(.received(.end, runner: 1))
    #expect(actions.contains(.signal(.kill, processID: 100)) && !actions.contains(.finish))
    #expect(service.handle(.ended(processID: 100, .killed(.kill))) == [.finish])
  }

  @Test("The step ends with its last runner") mutating func theStepEndsWithItsLastRunner() {
    connect(1)
    connect(2)
    #expect(!service.handle(.received(.end, runner: 1)).contains(.finish))
    #expect(service.handle(.received(.run(streams: [], slot: 0), runner: 2)) == [.start([], slot: 0, runner: 2)])
    #expect(service.handle(.received(.end, runner: 2)).contains(.finish))
  }

  @Test("Somebody who connects and is silent holds nothing up")
  mutating func somebodyWhoConnectsAndIsSilentHoldsNothingUp() {
    _ = service.handle(.connected(runner: 1))
    connect(2)
    #expect(service.handle(.received(.end, runner: 2)).contains(.finish))
  }

  @Test("A runner that was killed is waited for") mutating func aRunnerThatWasKilledIsWaitedFor() {
    connect()
    #expect(!service.handle(.disconnected(runner: 1)).contains(.finish))
    #expect(service.handle(.connected(runner: 2)).count == 1)
  }

  @Test("A signal ends a step without a runner", arguments: [Signal.terminate, .interrupt, .hangup, .quit])
  mutating func aSignalEndsAStepWithoutARunner(signal: Signal) {
    #expect(service.handle(.signal(signal)) == [.finish])
  }

  @Test("A signal lets the runner come to its end") mutating func aSignalLetsTheRunnerComeToItsEnd() {
    connect()
    work()
    let actions = service.handle(.signal(.terminate))
    #expect(actions.count == 1 && lines(actions) == ["TERM: waiting for the runner to end"])
    #expect(
      service.handle(.ended(processID: 100, .exited(0))) == [.send(.ended(.exited(0), slot: 0), runner: 1)])
    // An item that is in an earlier step needs this one, too.
    #expect(service.handle(.received(.run(streams: [], slot: 0), runner: 1)) == [.start([], slot: 0, runner: 1)])
    #expect(service.handle(.connected(runner: 2)) == [.disconnect(runner: 2)])
    _ = service.handle(.started(processID: 101, slot: 0, runner: 1))
    #expect(
      service.handle(.disconnected(runner: 1)) == [.signal(.kill, processID: 101), .disconnect(runner: 1)])
    #expect(service.handle(.ended(processID: 101, .killed(.kill))) == [.finish])
  }

  @Test("The second signal ends the workers") mutating func theSecondSignalEndsTheWorkers() {
    connect()
    work()
    _ = service.handle(.signal(.terminate))
    #expect(service.handle(.signal(.interrupt)) == [.signal(.interrupt, processID: 100), .beginGrace])
    #expect(
      service.handle(.received(.run(streams: [], slot: 1), runner: 1))
        == [.send(.notStarted(.canceled("step"), slot: 1), runner: 1)])
    #expect(service.handle(.graceElapsed) == [.signal(.kill, processID: 100)])
    #expect(
      service.handle(.ended(processID: 100, .killed(.kill)))
        == [.send(.ended(.killed(.kill), slot: 0), runner: 1), .finish])
  }

  @Test("The second signal ends a step without workers") mutating func theSecondSignalEndsAStepWithoutWorkers() {
    connect()
    _ = service.handle(.signal(.terminate))
    #expect(service.handle(.signal(.terminate)).last == .finish)
  }

  @Test("Other signals reach the workers", arguments: [Signal.quit, .user1, .user2, .windowChange, .resume])
  mutating func otherSignalsReachTheWorkers(signal: Signal) {
    connect()
    work()
    #expect(service.handle(.signal(signal)) == [.signal(signal, processID: 100)])
  }
}
