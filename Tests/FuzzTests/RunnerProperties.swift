import AMQP
import Broker
import Console
import Linux
import TestSupport
import Testing

@testable import JobRunner

@Suite struct RunnerProperties {
  private static let brokers = [
    "PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': received the value '' of type "
      + "'longstr' but current is none",
    "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/': received",
    "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue",
    "NOT_FOUND - no queue 'q'",
    "ACCESS_REFUSED", "inequivalent arg 'durable' for queue",
  ]

  private func method(_ random: inout Random) -> AMQP.Method {
    let reason = CloseReason(
      code: ReplyCode(rawValue: random.one(of: [404, 406, 403, 541, 320, 0])), text: random.one(of: Self.brokers))
    let tag = random.one(of: [ByteString("amqp-job-1"), "amqp-job-2", "amqp-job-0", "", "x"])
    let status = AMQP.Method.QueueStatus(
      name: random.one(of: ["q", "", ByteString([255, 254])]), messageCount: random.one(of: [0, 0, 1, .max]),
      consumerCount: random.one(of: [0, 1, 2, .max]))
    return random.one(of: [
      .queueDeclareOK(status), .queueDeclareOK(status), .basicGetEmpty, .basicQoSOK,
      .basicConsumeOK(consumerTag: tag),
      .basicCancelOK(consumerTag: tag), .basicCancel(consumerTag: tag), .channelClose(reason), .channelCloseOK,
      .channelOpenOK, .queueBindOK, .confirmSelectOK, .other(3), .connectionBlocked(reason: "low"),
      .connectionUnblocked,
      .basicAck(deliveryTag: 1, multiple: true), .basicReturn(reason, exchange: "", routingKey: "q"),
    ])
  }

  private func properties(_ random: inout Random) -> BasicProperties {
    var properties = random.chance(1, in: 8) ? random.properties(largestValue: 20) : BasicProperties()
    if random.chance(2, in: 3) { properties.messageID = random.one(of: ["a", "b", "c"]) }
    if random.chance(1, in: 10) { properties.undecodable = [0, 1] }
    return properties
  }

  /// What a malicious broker may say, on channels that are not open, and at the wrong time.
  private func somethingOfTheBrokers(_ random: inout Random, _ tag: inout UInt64) -> RunnerEvent {
    tag += 1
    let envelope = Envelope(
      consumerTag: random.one(of: ["amqp-job-1", "amqp-job-2", "", "x"]), deliveryTag: tag,
      isRedelivered: random.chance(1, in: 3), exchange: "", routingKey: "q")
    let slot = random.one(of: [0, 0, 0, 1, 2, 3, -1, 4, 65_534])
    let digest = random.chance(1, in: 2) ? 1 : nil
    switch Int.random(in: 0..<16, using: &random) {
    case 0..<6:
      var properties = properties(&random)
      properties.timestamp = random.one(of: [nil, 0, 1000, .max])
      return .delivered(
        envelope, properties, digest: digest, receivedAt: random.one(of: [0, 1000, 1061, .max]), slot: slot)
    case 6: return .notStored(envelope, properties(&random), reason: "no", slot: slot)
    case 7: return .tooLarge(envelope, properties(&random), slot: slot)
    case 8: return random.one(of: [.connected(nil), .connected(ServerVersion(3, 10)), .permission(.granted)])
    case 9:
      let kind = random.one(of: [BrokerFailure.Kind.lost, .lost, .unreachable, .loginRefused, .untrusted])
      return .connectionFailed(BrokerFailure(kind, broker: BrokerURL(host: "h"), detail: "gone"))
    default: return .method(method(&random), channel: random.one(of: [0, 1, 1, 1, 2, 3, 4, 5, 9, 65_535]))
    }
  }

  @Test func whateverABrokerSaysARunnerKeepsItsPromises() {
    property("runners, and events by chance") { random in
      var harness = RunnerHarness(random.jobOptions())
      try harness.start()
      var tag: UInt64 = 0
      if random.chance(3, in: 4) { try open(&harness, hasRetries: random.chance(1, in: 2)) }
      for _ in 0..<random.size(upTo: 120) where !harness.isFinished {
        if random.chance(1, in: 2) {
          try harness.handle(somethingOfTheBrokers(&random, &tag))
        } else {
          try harness.somethingOfOurs(&random)
        }
      }
    }
  }

  /// The answers of a well-behaved broker at the start.
  private func open(_ harness: inout RunnerHarness, hasRetries: Bool) throws {
    try harness.handle(.connected(nil))
    let channel = UInt16(harness.runner.slots.count + 1)
    let found = AMQP.Method.queueDeclareOK(.init(name: "q", messageCount: 0, consumerCount: 0))
    let plain = AMQP.Method.channelClose(CloseReason(code: .preconditionFailed, text: Self.brokers[0]))
    for answer in hasRetries ? [found, found, found] : [plain, found] {
      try harness.handle(.method(answer, channel: channel))
    }
    for channel in 1..<channel {
      try harness.handle(.method(.basicQoSOK, channel: channel))
      try harness.handle(.method(.basicConsumeOK(consumerTag: "amqp-job-1"), channel: channel))
    }
  }
}
