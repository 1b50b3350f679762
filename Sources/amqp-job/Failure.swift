import AMQP
import Broker
import Console
import Glibc
import JobRunner

let version = clientVersion

/// Why a command did not do what it was asked for: one line, and the exit status that goes with it.
struct Failure: Error {
  var status: ExitStatus
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    // A word that is quoted may be a URL in the wrong place.
    var bytes = Array(message.utf8)
    for range in BrokerURL.passwordRanges(in: message).reversed() { bytes.replaceSubrange(range, with: "***".utf8) }
    self.message = String(decoding: bytes, as: UTF8.self)
  }

  /// What any error in a conversation about `queue` comes to.
  init(_ error: any Error, queue: String, broker: BrokerURL?) {
    self.init(error, about: .queue(queue), broker: broker)
  }

  /// The same about where items are published to.
  init(_ error: any Error, about destination: Destination, broker: BrokerURL?) {
    let place = "\(destination)" + (broker.map { " at \($0)" } ?? "")
    switch error {
    case let failure as Failure: self = failure
    case let failure as BrokerFailure: self.init(failure)
    case BrokerSession.CallError.refused(let reason): self.init(reason, queue: destination.routingKey, place: place)
    case BrokerSession.CallError.unanswered:
      self.init(.temporaryFailure, "the broker gives no answer about \(place); try again")
    case AMQPError.doesNotFitFrame(let what):
      self.init(.refusedData, "cannot send to \(place): \(what)")
    default: self.init(.internalError, "\(place): \(error)")
    }
  }

  private init(_ failure: BrokerFailure) {
    switch failure.kind {
    case .unreachable: self.init(.unreachable, "\(failure) (see --connect-timeout)")
    case .loginRefused:
      self.init(.notPermitted, "\(failure); \(failure.advice)")
    case .untrusted: self.init(.notPermitted, "\(failure)")
    case .lost where failure.isAboutCredentials: self.init(.notPermitted, "\(failure)")
    case .lost: self.init(.temporaryFailure, "\(failure); try again")
    }
  }

  private init(_ reason: CloseReason, queue: String, place: String) {
    let refusal = ExplainedRefusal(reason, queue: queue, place: place)
    self.init(refusal.status, refusal.line)
  }
}

extension ExitStatus {
  /// Ends this process.
  func exit() -> Never { _exit(rawValue) }
}
