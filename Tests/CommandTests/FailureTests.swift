import AMQP
import Broker
import Console
import Linux
import Testing

@testable import amqp_job

@Suite("How a command fails that asks the broker") struct FailureTests {
  private let broker = BrokerURL(host: "h")

  private func failure(_ error: SessionError) -> Failure { Failure(error, queue: "q", broker: broker) }

  private func refused(_ code: ReplyCode, _ text: String = "why") -> SessionError {
    .refused(CloseReason(code: code, text: text))
  }

  @Test("Each error of a session has its own exit status")
  func statuses() {
    func connection(_ kind: BrokerFailure.Kind) -> SessionError {
      .connection(BrokerFailure(kind, broker: broker, detail: "why"))
    }
    let expected: [(SessionError, Console.ExitStatus)] = [
      (connection(.unreachable), .unreachable), (connection(.loginRefused), .notPermitted),
      (connection(.untrusted), .notPermitted), (connection(.lost), .temporaryFailure),
      (.stopped(.terminate), .signal(.terminate)), (refused(.notFound), .noQueue),
      (refused(.accessRefused), .notPermitted), (refused(.preconditionFailed), .wrongQueue),
      (refused(.internalError), .temporaryFailure), (.unanswered, .temporaryFailure),
      (.unsendable(.doesNotFitFrame("why")), .refusedData), (.system(.readFailed), .internalError),
    ]
    for (error, status) in expected { #expect(failure(error).status == status, "\(error)") }
  }

  @Test("A missing queue is advised to be declared") func missingQueue() {
    #expect(
      failure(refused(.notFound)).text
        == "there is no queue 'q' at h:5672; check the name, or make the queue with 'amqp-job declare q'")
  }

  @Test("A broker that does not answer is named with its queue") func silentBroker() {
    #expect(failure(.unanswered).text == "the broker gives no answer about queue 'q' at h:5672; try again")
  }

  @Test("A lost connection and a signal leave the conversation as they are, and all else is a failure") func explained()
  {
    let lost = BrokerFailure(.lost, broker: broker, detail: "why")
    guard case .connection(lost) = SessionError.connection(lost).explained(failure) else {
      Issue.record("the lost connection is explained")
      return
    }
    guard case .stopped(.terminate) = SessionError.stopped(.terminate).explained(failure) else {
      Issue.record("the signal is explained")
      return
    }
    guard case .failed(let failure) = SessionError.unanswered.explained(failure) else {
      Issue.record("the silence is no failure")
      return
    }
    #expect(failure.status == .temporaryFailure)
  }

  @Test("A program of amqp-tools fails with 1 whatever the broker says") func tools() {
    let errors: [SessionError] = [refused(.notFound), .unanswered, .unsendable(.doesNotFitFrame("why"))]
    for error in errors { #expect(Failure(error, subject: "queue 'q'").status == .failure) }
    #expect(Failure(refused(.notFound), subject: "queue 'q'").text == "queue 'q': why")
  }
}
