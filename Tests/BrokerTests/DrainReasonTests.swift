import Broker
import Testing

@Suite struct DrainReasonTests {
  @Test("An empty queue is not drained before it has been empty for long enough")
  func empty() throws {
    let reason = try #require(Drain.Finding.empty.reasonNotDrained)
    #expect(reason.contains("not been empty for long enough"))
  }

  @Test("Other consumers are the reason why a queue is not drained")
  func others() throws {
    let reason = try #require(Drain.Finding.otherConsumers.reasonNotDrained)
    #expect(reason.contains("others consume"))
  }
}
