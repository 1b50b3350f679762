import Broker
import Console
import Testing

@testable import amqp_job

@Suite("A queue that is missing beside another") struct LostCompanionTests {
  private func line(retry: Int?, dead: Int?, _ origin: LostCompanion.Origin) -> String? {
    MissingCompanion(QueueFigures(name: "q", ready: 0, consumers: 0, retry: retry, dead: dead))
      .flatMap { LostCompanion($0, origin, at: "host") }.map { $0.warning.message.text(for: .amqpJob) }
  }

  @Test("Only one of two can be missing")
  func onlyOne() {
    #expect(line(retry: nil, dead: nil, .declared(.quorum)) == nil)
    #expect(line(retry: 0, dead: 0, .declared(.quorum)) == nil)
  }

  @Test("The command that makes it anew has the queue's type")
  func cures() throws {
    let line = { try #require(self.line(retry: $0, dead: $1, $2)) }
    #expect(try line(nil, 0, .declared(.quorum)).contains("; 'amqp-job declare q' makes it anew"))
    #expect(try line(0, nil, .declared(.classic)).contains("'q.dead' is not to be seen beside queue 'q.retry'"))
    #expect(try line(0, nil, .declared(.classic)).contains("'amqp-job declare q --type classic' makes it anew"))
    #expect(try line(0, nil, .unknown).contains("if 'amqp-job declare' made it"))
  }

  @Test("Nothing is missing where another program made the queues")
  func others() { #expect(line(retry: nil, dead: 3, .other) == nil) }
}
