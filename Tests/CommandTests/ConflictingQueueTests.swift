import AMQP
import Broker
import Console
import Testing

@testable import amqp_job

@Suite("Existing queues that declare would make otherwise") struct ConflictingQueueTests {
  private let queue = WorkQueue("q")

  private func conflict(_ argument: String, _ values: String, isPlain: Bool = false) -> ConflictingQueue {
    let declaration = isPlain ? queue.plainDeclaration(.quorum) : queue.declaration(.quorum)
    let text = "PRECONDITION_FAILED - inequivalent arg '\(argument)' for queue 'q' in vhost '/': received \(values)"
    return ConflictingQueue(CloseReason(code: .preconditionFailed, text: text), declaration, of: queue)
  }

  @Test(
    "The first difference tells what the queue is",
    arguments: [
      ("durable", "'true' but current is 'false'", .transient),
      ("auto_delete", "'false' but current is 'true'", .transient),
      ("x-queue-type", "'quorum' but current is 'stream'", .unsupportedType),
      ("x-queue-type", "'quorum' but current is 'classic'", .other),
      ("x-dead-letter-exchange", "the value '' of type 'longstr' but current is none", .plain),
      ("x-dead-letter-exchange", "'' but current is 'shop'", .deadLettering),
      ("x-dead-letter-routing-key", "'q.dead' but current is 'other'", .deadLettering),
      ("x-max-length", "none but current is the value '5' of type 'signedint'", .other),
      ("x-dead-letter-exchange", "'' but cur", .deadLettering),
    ] as [(String, String, ConflictingQueue)])
  func differences(argument: String, values: String, expected: ConflictingQueue) {
    #expect(conflict(argument, values) == expected)
  }

  @Test("A queue with retries is not taken for one of another owner where none were asked for")
  func plainDeclarationOfAQueueWithRetries() {
    let values = "none but current is the value '' of type 'longstr'"
    #expect(conflict("x-dead-letter-exchange", values, isPlain: true) == .other)
  }

  @Test("A queue that may belong to another one is left alone", arguments: ["q.retry", "q.marks", "q.dead"])
  func belonging(name: String) {
    let queue = WorkQueue(name)
    let reason = CloseReason(
      code: .preconditionFailed, text: "PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-routing-key' for")
    let conflict = ConflictingQueue(reason, queue.declaration(.quorum), of: queue)
    let advice = conflict.advice(on: queue).text(for: .amqpJob)
    #expect(conflict == .belonging && advice.contains("for queue 'q': leave it alone") && !advice.contains("--delete"))
  }

  @Test("A queue beside the queue is one")
  func companions() {
    let reason = CloseReason(code: .preconditionFailed, text: "PRECONDITION_FAILED - inequivalent arg 'durable' for")
    #expect(ConflictingQueue(reason, queue.deadDeclaration, of: queue) == .companion)
  }
}
