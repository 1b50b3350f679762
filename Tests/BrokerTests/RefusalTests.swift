import AMQP
import Testing

@testable import Broker

@Suite struct RefusalTests {
  @Test(
    "The code and the text of a close tell what it means",
    arguments: [
      (404, "NOT_FOUND - no queue 'q' in vhost '/'", Refusal.noQueue),
      (404, "NOT_FOUND - no exchange 'e' in vhost '/'", .noExchange),
      (404, "NOT_FOUND - home node 'n' of durable queue 'q' in vhost '/' is down or inaccessible", .nodeIsDown),
      (403, "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'u'", .notPermitted),
      (403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use", .consumedByAnother),
      (405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'.", .ownedByAnother),
      (406, "PRECONDITION_FAILED - message size 3000000 is larger than configured max size 2000000", .tooLarge),
      (406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/'", .unfit),
      (540, "NOT_IMPLEMENTED - basic.get not supported by stream queues", .unfit),
      (541, "INTERNAL_ERROR", .trouble), (404, "", .noQueue), (403, "", .notPermitted),
    ])
  func whatACloseMeansIsInItsCodeAndItsText(code: UInt16, text: String, refusal: Refusal) {
    #expect(CloseReason(code: ReplyCode(rawValue: code), text: text).refusal == refusal)
  }

  @Test(
    "A missing companion is told from a missing work queue",
    arguments: [("q.retry", true), ("q.dead", true), ("q", false), ("q.retry.retry", false), ("other.dead", false)])
  func aQueueBesideTheWorkQueueIsToldFromIt(missing: String, isCompanion: Bool) {
    let reason = CloseReason(code: .notFound, text: "NOT_FOUND - no queue '\(missing)' in vhost '/'")
    #expect(reason.meansNoCompanion(of: WorkQueue("q")) == isCompanion)
  }

  @Test("A broker that refuses a connection is not said to be out of reach")
  func aBrokerThatRefusesAConnectionIsNotOutOfReach() {
    let reason = CloseReason(code: .notAllowed, text: "NOT_ALLOWED - connection limit (1) is reached")
    let broker = BrokerURL(host: "h")
    #expect(
      "\(BrokerFailure(.connectionClosed(reason), broker: broker, wasOpen: false))".contains("takes no connection"))
  }

  @Test(
    "A direct reply is known by its name",
    arguments: [
      ("", "amq.rabbitmq.reply-to.g1h2.k==", true), ("e", "amq.rabbitmq.reply-to.g1h2.k==", false),
      ("", "amq.rabbitmq.reply-to", false), ("", "q", false),
    ])
  func aDirectReplyIsKnownByItsName(exchange: String, key: String, isReply: Bool) {
    #expect(Destination(exchange: exchange, routingKey: key).isDirectReply == isReply)
  }
}
