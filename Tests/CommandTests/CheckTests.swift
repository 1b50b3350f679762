import JobRunner
import Testing

@testable import amqp_job

@Suite("What check decides") struct CheckTests {
  private func reason(
    _ record: LivenessRecord, at seconds: UInt64, asksForBroker: Bool = false
  ) -> String? {
    Check.reasonForFailure(
      record.bytes, at: seconds * 1_000_000_000, maxAge: .seconds(30), asksForBroker: asksForBroker)
  }

  private let waiting = LivenessRecord(time: 100_000_000_000, isServing: false)
  private let serving = LivenessRecord(time: 100_000_000_000, isServing: true)

  @Test("A runner that gave a sign of life lately is alive") func alive() {
    #expect(reason(waiting, at: 130) == nil)
  }

  @Test("A runner that has been silent for too long is not alive") func silent() {
    #expect(reason(serving, at: 131) == "the runner has not given a sign of life for 31s")
  }

  @Test("A runner without its broker is alive, but not ready") func ready() {
    #expect(reason(serving, at: 101, asksForBroker: true) == nil)
    #expect(
      reason(waiting, at: 101, asksForBroker: true)
        == "the runner is not connected to its broker, or not to its queue")
  }

  @Test("A file that no runner wrote shows no runner") func foreignFile() {
    let reason = Check.reasonForFailure(Array("alive".utf8), at: 0, maxAge: .seconds(30), asksForBroker: false)
    #expect(reason == "this is no runner's liveness file")
  }
}
