import AMQP
import Linux
import Testing

@testable import Election

/// Who is told who leads, and for how long that holds.
@Suite struct KnowledgeTests {
  private static let leader = Leader(name: "pod-b", epoch: 7)

  private func answer(_ ask: ElectionMessage.Ask?, _ leader: Leader?, left: Duration) throws -> ElectionMessage {
    .answer(.init(ask: try #require(ask).id, replyTo: "", leader: leader, left: left))
  }

  @Test("An answer holds from the moment of the question, however long it was on its way") func expiry() throws {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"), at: .seconds(1))
    driver.receive(try answer(driver.lastAsk, Self.leader, left: .seconds(10)), at: .seconds(4))
    let end = driver.instant(.seconds(11))
    #expect(
      driver.candidate.standing.at(driver.instant(.seconds(10))) == .leader(Self.leader, isSelf: false, end: end))
    #expect(driver.candidate.standing.at(end) == .unknown(.unproven))
    #expect(driver.actions.texts == ["'pod-b' leads, epoch 7"])
  }

  @Test("An answer to no question of ours is not believed") func unknownQuestion() throws {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(
      .answer(.init(ask: .init(candidate: "me", number: 99), replyTo: "", leader: Self.leader, left: .seconds(9))))
    #expect(driver.candidate.standing == .unknown(.nobodyKnown))
  }

  @Test("A standby without a connection names nobody, since it would not hear of a successor") func parted() throws {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(try answer(driver.lastAsk, Self.leader, left: .seconds(10)))
    driver.handle(.parted)
    #expect(driver.candidate.standing == .unknown(.notJoined))
  }

  @Test("A leader names itself until it has to stop, with a connection or without one") func leading() throws {
    var driver = CandidateDriver()
    driver.lead()
    let standing = driver.candidate.standing
    #expect(driver.handle(.parted).isEmpty)
    #expect(driver.candidate.standing == standing)
    guard case .leader(let leader, true, let end) = standing else { throw Mismatch() }
    #expect(leader == Leader(name: "pod-a", epoch: 8))
    #expect(end == driver.candidate.deadline)
    driver.handle(.signal(.terminate))
    #expect(driver.candidate.standing == .unknown(.lettingGo))
  }

  private struct Mismatch: Error {}

  @Test("A standby asks again every third of the lease, and at once when a leader lets go") func questions() throws {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    #expect(driver.handle(.due, at: .seconds(5)).asks.count == 1)
    #expect(driver.receive(try answer(driver.lastAsk, nil, left: .zero), at: .seconds(6)).asks.count == 1)
  }

  @Test("A leader answers with what is left of its lease, and tells everybody when it lets go") func answers() throws {
    var driver = CandidateDriver()
    driver.lead()
    let ask = ElectionMessage.Ask(id: .init(candidate: "c", number: 3), replyTo: "c's", expiry: .zero)
    let answers = driver.receive(.ask(ask), at: .seconds(3)).answers
    #expect(
      answers == [.init(ask: ask.id, replyTo: "c's", leader: Leader(name: "pod-a", epoch: 8), left: .seconds(13))])
    let last = driver.handle(.signal(.terminate)).answers
    #expect(last == [.init(ask: ask.id, replyTo: "c's", leader: nil, left: .zero)])
  }

  @Test("A new leader tells those who have asked before it led") func newLeader() throws {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.receive(CandidateDriver.other(epoch: 7, wait: .zero))
    let ask = ElectionMessage.Ask(id: .init(candidate: "c", number: 3), replyTo: "c's", expiry: .zero)
    #expect(driver.receive(.ask(ask)).answers == [])
    driver.bringBackAsk()
    #expect(driver.prove().answers.map(\.leader) == [Leader(name: "pod-a", epoch: 8)])
  }
}
