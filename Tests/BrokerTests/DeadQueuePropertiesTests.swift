import AMQP
import Testing

@testable import Broker

/// What a broker's refusal tells of a dead-letter queue that somebody else made.
@Suite struct DeadQueuePropertiesTests {
  private let declaration = WorkQueue("q").deadDeclaration

  private func differs(_ name: String, _ current: String) -> CloseReason {
    CloseReason(
      code: .preconditionFailed,
      text: "PRECONDITION_FAILED - inequivalent arg '\(name)' for queue 'q.dead' in vhost '/': received 'quorum' but "
        + "current is \(current)")
  }

  @Test(
    "Only a queue that is known to outlive its consumers is consumed",
    arguments: [
      ("x-queue-type", "'classic'", WorkQueue.Kind.classic), ("x-queue-type", "none", .classic),
      ("x-queue-type", "'stream'", nil), ("x-delivery-limit", "none", .quorum), ("x-max-length", "none", nil),
      ("auto_delete", "'true'", nil), ("durable", "'false'", nil), ("exclusive", "'true'", nil),
    ]) func onlyWhatIsKnownToStayIsConsumed(name: String, current: String, kind: WorkQueue.Kind?)
  {
    #expect(DeadQueueProperties.lastingKind(differs(name, current), of: declaration) == kind)
  }

  @Test("A user who may not ask about a queue does not consume it") func whoMayNotKnowConsumesNothing() {
    let reason = CloseReason(code: .accessRefused, text: "ACCESS_REFUSED - configure access to queue 'q.dead' refused")
    #expect(DeadQueueProperties.lastingKind(reason, of: declaration) == nil)
    #expect(DeadQueueProperties.returns(ServerVersion(3, 10), reason, of: declaration) == .unknown(reason))
    #expect(DeadQueueProperties.returns(ServerVersion(4, 3), reason, of: declaration) == .unlimited)
    let standing = DeadQueueProperties(returns: .unlimited, lastingKind: nil)
    #expect(standing.mode == .gets(atOnce: 32))
  }

  @Test(
    "Items may be returned without a limit where the broker does not count it",
    arguments: [
      ("x-queue-type", "'classic'", [true, true, true]), ("x-delivery-limit", "none", [true, false, true]),
      ("x-delivery-limit", "the value '20' of type 'signedint'", [false, false, true]),
      ("durable", "'false'", [false, false, true]),
    ]) func returnsAreUnlimitedWhereTheyAreNotCounted(name: String, current: String, expected: [Bool])
  {
    let versions = [ServerVersion(3, 10), ServerVersion(4, 0), ServerVersion(4, 3)]
    let found = versions.map { DeadQueueProperties.returns($0, differs(name, current), of: declaration) == .unlimited }
    #expect(found == expected)
  }
}
