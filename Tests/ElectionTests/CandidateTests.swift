import AMQP
import Console
import Linux
import Testing

@testable import Election

/// What a candidate does on which event. `SimulationTests` tries what many candidates do together.
@Suite struct CandidateTests {
  private func leader() -> CandidateDriver {
    var driver = CandidateDriver()
    driver.lead()
    return driver
  }

  // MARK: Becoming the leader

  @Test("A candidate claims one more than the greatest epoch, after it has read everything")
  func claim() {
    var driver = CandidateDriver()
    #expect(driver.handle(.joined(replyTo: "answers")).asks.count == 1)
    driver.receive(CandidateDriver.other(epoch: 7, wait: .zero))
    driver.receive(CandidateDriver.other("c", epoch: 9, wait: .zero))
    driver.receive(CandidateDriver.other("d", epoch: 8, wait: .zero))
    #expect(driver.actions.states == [])
    #expect(driver.bringBackAsk().states.map(\.epoch) == [10])
    #expect(driver.prove().begun == [10])
  }

  @Test("A claim counts only when it was confirmed and delivered back, and then the states before it are settled")
  func proof() throws {
    for deliveredFirst in [true, false] {
      var driver = CandidateDriver()
      driver.handle(.joined(replyTo: "answers"))
      driver.receive(CandidateDriver.other(epoch: 7, wait: .zero))
      driver.bringBackAsk()
      let state = try #require(driver.lastState)
      let first = deliveredFirst ? driver.receive(.state(state)) : driver.handle(.confirmed(state.id))
      #expect(first.begun == [] && first.acked == [])
      let second = deliveredFirst ? driver.handle(.confirmed(state.id)) : driver.receive(.state(state))
      #expect(second.begun == [8] && second.acked == [1])
    }
  }

  @Test("A proof does not settle what a successor has to know besides: a greater epoch, or a longer wait")
  func laterStates() throws {
    for (epoch, wait) in [(Int64(9), Duration.zero), (7, .seconds(60))] {
      var driver = CandidateDriver()
      driver.handle(.joined(replyTo: "answers"))
      driver.receive(CandidateDriver.other(epoch: 7, wait: .zero))
      driver.bringBackAsk()
      #expect(driver.lastState?.epoch == 8)
      driver.receive(CandidateDriver.other("c", epoch: epoch, wait: wait))
      let actions = driver.prove()
      #expect(actions.acked == [] && actions.begun == [])
      let claim = try #require(driver.lastState)
      #expect(claim.epoch == max(8, epoch + 1) && claim.wait >= wait)
      #expect(driver.prove().acked == [1, 3, 4])
    }
  }

  @Test("A lease that has not ended is waited for, from the moment at which its state came")
  func waits() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(CandidateDriver.other(epoch: 7, wait: .seconds(20)), at: .seconds(3))
    driver.bringBackAsk(at: .seconds(4))
    #expect(driver.lastState?.wait == .seconds(19), "a successor waits as long")
    #expect(driver.prove(at: .seconds(5)).begun == [])
    for time in [Duration.seconds(9), .seconds(14), .seconds(19)] {
      #expect(driver.deadline == time)
      driver.handle(.due, at: time)
      #expect(driver.prove().begun == [])
    }
    #expect(driver.deadline == .seconds(23))
    driver.handle(.due, at: .seconds(23))
    #expect(driver.lastState?.wait == .seconds(15))
    #expect(driver.prove(at: .seconds(24)).begun == [8])
  }

  @Test("A leader that lets go after all is not waited for any longer") func lateRelease() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(CandidateDriver.other(epoch: 7, wait: .seconds(20)))
    driver.bringBackAsk()
    driver.prove()
    driver.receive(CandidateDriver.other(number: 2, epoch: 7, wait: .zero), at: .seconds(2))
    #expect(driver.prove().begun == [8])
  }

  @Test("An older state that comes back does not hold up its successor") func olderState() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(CandidateDriver.other(number: 2, epoch: 7, wait: .zero))
    driver.receive(CandidateDriver.other(number: 1, epoch: 7, wait: .seconds(20)))
    driver.bringBackAsk()
    #expect(driver.prove().begun == [8])
  }

  @Test("An empty queue is waited for as a leader would be") func emptyQueue() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.bringBackAsk(at: .seconds(1))
    #expect(
      driver.prove().begun == [] && driver.actions.texts.contains { $0.contains("knows of no leader: waiting 15s") })
  }

  @Test("A claim that another one has outdone is made anew") func outdone() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(CandidateDriver.other(epoch: 7, wait: .zero))
    driver.bringBackAsk()
    driver.receive(CandidateDriver.other("c", epoch: 8, wait: .zero))
    #expect(driver.prove().states.map(\.epoch) == [9])
    #expect(driver.prove().begun == [9])
  }

  @Test("A candidate that gets something asks whether it is the active one") func activity() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    #expect(driver.receive(CandidateDriver.other(epoch: 7, wait: .zero), at: .seconds(2)).asks.count == 1)
    #expect(driver.receive(CandidateDriver.other("c", epoch: 7, wait: .zero)).asks.count == 0)
  }

  // MARK: Remaining the leader

  @Test("The work ends in time, counted from when the last proven renewal was sent") func limits() {
    var driver = leader()
    #expect(
      driver.actions.last { if case .begin = $0 { true } else { false } }
        == .begin(epoch: 8, limit: driver.instant(.seconds(15))))
    driver.handle(.due, at: .seconds(6))
    #expect(driver.prove(at: .seconds(9)).extensions == [driver.instant(.seconds(20))])
    driver.handle(.due, at: .seconds(11))
    #expect(driver.handle(.due, at: .seconds(14)).stops == [])
    #expect(driver.deadline == .seconds(15))
    #expect(driver.handle(.due, at: .seconds(15)).stops == [.terminate])
    #expect(driver.deadline == .seconds(20))
    #expect(driver.handle(.due, at: .seconds(20)).stops == [.kill])
  }

  @Test("A command that was killed while the candidate was stopped does not end the candidate")
  func stoppedCandidate() {
    var driver = leader()
    let actions = driver.handle(.workEnded(.ended(.killed(.kill))), at: .seconds(15))
    #expect(actions.ends == [] && actions.states.map(\.epoch) == [9])
  }

  @Test("A renewal of an ended leadership does not begin it again") func staleRenewal() {
    var driver = leader()
    driver.handle(.due, at: .seconds(6))
    driver.handle(.due, at: .seconds(10))
    driver.handle(.workEnded(.ended(.exited(0))), at: .seconds(11))
    #expect(driver.prove().begun == [])
    #expect(driver.lastState?.epoch == 9)
    #expect(driver.prove().begun == [9])
  }

  @Test("A greater epoch stops the work, and no renewal gives it more time") func superseded() {
    var driver = leader()
    driver.handle(.due, at: .seconds(6))
    #expect(driver.receive(CandidateDriver.other("c", epoch: 9, wait: .seconds(15))).stops == [.terminate])
    #expect(driver.prove().extensions == [])
    #expect(driver.deadline == .seconds(11))
    driver.handle(.workEnded(.ended(.exited(0))), at: .seconds(7))
    #expect(driver.lastState?.epoch == 10)
    #expect(driver.prove().begun == [])
  }

  @Test("A leader that comes back in time remains the leader") func reconnection() {
    var driver = leader()
    driver.handle(.parted, at: .seconds(2))
    driver.handle(.joined(replyTo: "other"), at: .seconds(3))
    driver.bringBackAsk(at: .seconds(4))
    #expect(driver.lastState?.epoch == 8)
    #expect(driver.prove().extensions == [driver.instant(.seconds(18))])
    #expect(driver.actions.stops == [])
  }

  // MARK: Coming to an end

  @Test("A leader lets go when its work has ended, and ends when that is proven") func release() {
    var driver = leader()
    let actions = driver.handle(.workEnded(.ended(.exited(3))), at: .seconds(4))
    #expect(actions.states.map(\.wait) == [.zero] && actions.ends == [])
    #expect(driver.prove().ends == [.ended(.exited(3))])
  }

  @Test("A leader that cannot let go ends all the same") func noRelease() {
    var driver = leader()
    driver.handle(.workEnded(.ended(.exited(0))), at: .seconds(4))
    #expect(driver.deadline == .seconds(6))
    #expect(driver.handle(.due, at: .seconds(6)).ends == [.ended(.exited(0))])
    var other = leader()
    other.handle(.parted)
    #expect(other.handle(.workEnded(.ended(.exited(0)))).ends == [.ended(.exited(0))])
  }

  @Test("A signal stops the work, and a second one kills it") func signals() {
    var driver = leader()
    #expect(driver.handle(.signal(.user1)) == [.signal(.user1)])
    #expect(driver.handle(.signal(.terminate), at: .seconds(2)).stops == [.terminate])
    #expect(driver.handle(.signal(.terminate), at: .milliseconds(2500)).stops == [])
    #expect(driver.handle(.signal(.terminate), at: .seconds(4)).stops == [.kill])
    driver.handle(.workEnded(.ended(.killed(.kill))))
    #expect(driver.prove().ends == [.stopped(.terminate)])
  }

  @Test("A signal ends a standby, and one that waits for a lease, without a word to others") func standbySignals() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    #expect(driver.handle(.signal(.interrupt)) == [.finish(.stopped(.interrupt))])
  }

  @Test("A failure stops the work before it ends the candidate") func failure() {
    var driver = leader()
    #expect(driver.handle(.failed(.notPermitted, "no")).stops == [.terminate])
    driver.handle(.workEnded(.ended(.killed(.terminate))))
    #expect(driver.prove().ends == [.failed(.notPermitted, "no")])
  }
}
