import Linux
import Testing

@testable import AMQP
@testable import Broker

@Suite struct BrokerLinkTests {
  @Test("A fast broker is read in pieces", .timeLimit(.minutes(1)))
  func aFastBrokerIsReadInPieces() throws {
    let peer = try LoopbackPeer()
    let url = BrokerURL(host: "127.0.0.1", port: peer.port)
    var parameters = Connection.Parameters(
      url: url, heartbeat: 0, name: "test",
      initialMethods: [.channelOpen, .basicConsume(queue: "q", consumerTag: "t", arguments: [:])].map {
        ChannelMethod($0, on: 1)
      })
    parameters.maxBodySizeInMemory = 0
    let link = BrokerLink(broker: url, parameters, now: .now)
    while !link.isOpen {
      try turn(link)
      peer.turn()
    }

    let part = [UInt8](repeating: 7, count: 100_000)
    let size = 64 * part.count
    var unsent = LoopbackPeer.delivery(ofSize: UInt64(size))
    for _ in 0..<64 { unsent += LoopbackPeer.frame(1, part, kind: .body) }
    var received = 0
    var isDelivered = false
    while !isDelivered {
      unsent.removeFirst(peer.send(unsent))
      var receivedAtOnce = 0
      for event in try turn(link) {
        switch event {
        case .connection(.bodyPart(1, UInt64(size), let bytes)): receivedAtOnce += bytes.count
        case .connection(.delivered(1, let delivery)):
          #expect(delivery.bodySize == UInt64(size))
          isDelivered = true
        case .connection(.announced(1, let delivery)): #expect(delivery.bodySize == UInt64(size))
        default: Issue.record("\(event)")
        }
      }
      // What the last frame had before, too.
      #expect(receivedAtOnce <= BrokerLink.maxReadSize + 65_536 + part.count)
      received += receivedAtOnce
    }
    #expect(received == size)
  }

  @Test(
    "A connection that is lost after a minute of silence names the silence and the heartbeat",
    .timeLimit(.minutes(1)), arguments: [(0, 61, true), (0, 1, false), (300, 61, true), (300, 1, false)])
  func aConnectionThatWasIdleWhenItWasLost(heartbeat: UInt16, seconds: Int, isNamed: Bool) throws {
    let peer = try LoopbackPeer()
    let url = BrokerURL(host: "127.0.0.1", port: peer.port)
    let link = BrokerLink(broker: url, .init(url: url, heartbeat: heartbeat, name: "test"), now: .now)
    while !link.isOpen {
      try turn(link)
      peer.turn()
    }
    peer.hangUp()
    var failure: BrokerFailure?
    while failure == nil {
      for case .failed(let found) in try turn(link, after: .seconds(seconds)) { failure = found }
    }
    #expect(failure?.kind == .lost)
    #expect(failure?.detail.contains("--heartbeat (now \(heartbeat == 0 ? "none" : "300 s"))") == isNamed)
    #expect(failure?.detail.contains("for \(seconds) s") == isNamed)
  }

  @discardableResult
  private func turn(_ link: BrokerLink, after pause: Duration = .zero) throws -> [BrokerLink.Event] {
    link.flush()
    // The peer is to be looked after too.
    let soon = ContinuousClock.now + .milliseconds(1)
    let readiness = try poll([link.interest].compactMap(\.self), until: soon)
    return link.process(readiness.first ?? PollReadiness(), now: .now + pause)
  }
}
