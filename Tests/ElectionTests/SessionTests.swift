import AMQP
import Broker
import Console
import Testing

@testable import Election

/// A candidate's conversation with the broker.
@Suite struct SessionTests {
  private static let queue = ElectionQueue(election: "e")

  @Test("Messages come out as they went in") func messages() {
    let id = ElectionMessage.ID(candidate: "abc", number: 7)
    let messages: [ElectionMessage] = [
      .ask(.init(id: id, replyTo: "e.election.1", expiry: .zero)),
      .state(.init(id: id, name: "pod-a", epoch: 3, wait: .milliseconds(1500))),
      .answer(.init(ask: id, replyTo: "", leader: .init(name: "pod-a", epoch: 3), left: .seconds(2))),
      .answer(.init(ask: id, replyTo: "", leader: nil, left: .zero)),
    ]
    for message in messages { #expect(ElectionMessage(message.properties) == message) }
  }

  @Test("A wait does not become shorter on its way") func rounding() {
    let state = ElectionMessage.State(id: .init(candidate: "a", number: 1), name: "a", epoch: 1, wait: .microseconds(1))
    guard case .state(let read)? = ElectionMessage(ElectionMessage.state(state).properties) else { return }
    #expect(read.wait == .milliseconds(1))
  }

  @Test(
    "Other messages are none",
    arguments: [
      ("number", FieldValue.string("1")), ("epoch", .int64(0)), ("epoch", .int64(.max)), ("epoch", .void),
      ("wait-ms", .int64(-1)), ("wait-ms", .int64(86_400_001)), ("name", .int64(1)), ("candidate", .boolean(true)),
    ])
  func otherMessages(name: String, value: FieldValue) {
    let state = ElectionMessage.State(id: .init(candidate: "a", number: 1), name: "a", epoch: 1, wait: .zero)
    var properties = ElectionMessage.state(state).properties
    properties.headers?.entries.removeAll { $0.name == ByteString(name) }
    #expect(ElectionMessage(properties) == nil)
    properties.headers?.append(ByteString(name), value)
    #expect(ElectionMessage(properties) == nil)
    #expect(ElectionMessage(BasicProperties()) == nil)
  }

  private func refusal(_ text: String) -> Method {
    .channelClose(CloseReason(code: .preconditionFailed, text: "PRECONDITION_FAILED - inequivalent arg \(text)"))
  }

  @Test("A candidate joins when its consumer is there") func joining() {
    var opening = Opening(Self.queue, replyTo: "e.election.1")
    #expect(opening.methods == [.channelOpen, Self.queue.declaration(.quorum)])
    #expect(opening.received(.channelOpenOK) == .none)
    let status = Method.QueueStatus(name: "e.election", messageCount: 0, consumerCount: 0)
    #expect(opening.received(.queueDeclareOK(status)) == .send(Self.queue.joining(replyTo: "e.election.1")))
    #expect(opening.received(.queueDeclareOK(status)) == .none)
    #expect(opening.received(.basicConsumeOK(consumerTag: "answers")) == .none && !opening.isJoined)
    #expect(opening.received(.basicConsumeOK(consumerTag: "election")) == .joined && opening.isJoined)
  }

  @Test("A classic queue with a single active consumer is used if it is there") func classic() {
    var opening = Opening(Self.queue, replyTo: "r")
    #expect(
      opening.received(refusal("'x-queue-type'")) == .send([.channelOpen, Self.queue.declaration(.classic)]))
    let status = Method.QueueStatus(name: "e.election", messageCount: 0, consumerCount: 0)
    #expect(opening.received(.queueDeclareOK(status)) == .send(Self.queue.joining(replyTo: "r")))
  }

  @Test("The refusal that is told is the one about consumers, where there is one") func refusals() {
    var opening = Opening(Self.queue, replyTo: "r")
    _ = opening.received(refusal("'x-single-active-consumer'"))
    guard case .refused(let reason) = opening.received(refusal("'x-queue-type'")) else {
      Issue.record("not refused")
      return
    }
    #expect(reason.text.contains("'x-single-active-consumer'"))
    var other = Opening(Self.queue, replyTo: "r")
    let denied = CloseReason(code: .accessRefused, text: "ACCESS_REFUSED")
    #expect(other.received(.channelClose(denied)) == .refused(denied))
  }

  @Test("Only queues for answers are written to") func replyQueues() {
    #expect(Self.queue.isReplyTo(Self.queue.replyTo(.max)))
    for name: ByteString in ["", "elsewhere", "e.election"] { #expect(!Self.queue.isReplyTo(name)) }
  }

  @Test("Confirmations are of states, by their numbers") func confirms() {
    var confirms = Confirms()
    func state(_ number: Int64) -> ElectionMessage {
      .state(.init(id: .init(candidate: "a", number: number), name: "a", epoch: 1, wait: .zero))
    }
    confirms.published(.ask(.init(id: .init(candidate: "a", number: 1), replyTo: "r", expiry: .zero)))
    for number in Int64(2)...4 { confirms.published(state(number)) }
    #expect(confirms.settled(1, multiple: false) == [])
    #expect(confirms.settled(3, multiple: true).map(\.number) == [2, 3])
    #expect(confirms.settled(3, multiple: true) == [] && confirms.settled(4, multiple: false).map(\.number) == [4])
  }

  // MARK: Connecting

  private func contact(mayLoginChange: Bool = false) throws -> (Contact, BrokerURL, ContinuousClock.Instant) {
    let now = ContinuousClock.now
    let plan = LeasePlan(lease: .seconds(15), grace: .zero)
    let broker = try BrokerURL.list(parsing: "amqp://h")[0]
    return (Contact(timeout: .seconds(60), plan: plan, mayLoginChange: mayLoginChange, now: now), broker, now)
  }

  private func isGivenUp(_ verdict: Contact.Verdict, _ status: Console.ExitStatus) -> Bool {
    if case .giveUp(status, _) = verdict { true } else { false }
  }

  @Test("A candidate gives up a broker that it has never reached, and no other") func givingUp() throws {
    var (contact, broker, now) = try contact()
    let failure = BrokerFailure(.unreachable, broker: broker, detail: "no")
    guard case .retry = contact.failed(failure, now: now + .seconds(59), jitter: 0) else {
      Issue.record("gave up")
      return
    }
    #expect(isGivenUp(contact.failed(failure, now: now + .seconds(60), jitter: 0), .unreachable))
    contact.joined()
    guard case .retry(let pause, _) = contact.failed(failure, now: now + .seconds(6000), jitter: 0) else {
      Issue.record("gave up")
      return
    }
    #expect(pause == .milliseconds(250))
  }

  @Test("Pauses are short, as a lease may be running out") func pauses() throws {
    var (contact, _, now) = try contact()
    for _ in 0..<20 {
      guard case .retry(let pause, _) = contact.broken("no", now: now, jitter: 1) else {
        Issue.record("gave up")
        return
      }
      #expect(pause <= .seconds(1))
    }
  }

  @Test("A refused login is final, unless one has succeeded and may change") func login() throws {
    for mayLoginChange in [true, false] {
      var (contact, broker, now) = try contact(mayLoginChange: mayLoginChange)
      let failure = BrokerFailure(.loginRefused, broker: broker, detail: "no")
      #expect(isGivenUp(contact.failed(failure, now: now, jitter: 0), .notPermitted))
      contact.joined()
      #expect(isGivenUp(contact.failed(failure, now: now, jitter: 0), .notPermitted) != mayLoginChange)
    }
  }
}
