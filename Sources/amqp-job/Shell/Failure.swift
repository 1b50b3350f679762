import AMQP
import Arguments
import Broker
import Console
import Glibc
import JobRunner
import Linux

let version = clientVersion

/// The reason why a command failed, and the exit status for it. The message is one line.
struct Failure: Error {
  var status: ExitStatus
  var message: LogMessage

  init(_ status: ExitStatus, _ message: LogMessage) {
    self.status = status
    // The message may quote a word of the user's that is a URL in the wrong place.
    self.message = message.mapTexts(Self.withoutPasswords)
  }

  /// The failure for any error.
  init(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as ConversationError: self.init(error)
    case let error as UsageError: self.init(.usage, "\(error)")
    case let error as SystemError: self.init(.internalError, "the system refuses what amqp-job needs: \(error)")
    default: self.init(.internalError, "\(error)")
    }
  }

  func adding(_ text: LogMessage) -> Failure { Failure(status, message + text) }

  private static func withoutPasswords(_ text: String) -> String {
    var bytes = Array(text.utf8)
    for range in BrokerURL.passwordRanges(in: text).reversed() { bytes.replaceSubrange(range, with: "***".utf8) }
    return String(decoding: bytes, as: UTF8.self)
  }

  init(_ error: ConversationError) {
    switch error {
    case .connection(let failure): self.init(failure)
    case .stopped(let signal): self.init(.signal(signal), "ended by \(signal)")
    case .failed(let failure): self = failure
    }
  }

  /// The failure for an error of a session in which the broker was asked about `queue`.
  init(_ error: SessionError, queue: String, broker: BrokerURL) {
    self.init(error, about: .queue(queue), broker: broker)
  }

  /// The same for a destination of published items.
  init(_ error: SessionError, about destination: Destination, broker: BrokerURL) {
    let place = "\(destination) at \(broker)"
    switch error {
    case .connection(let failure): self.init(failure)
    case .stopped(let signal): self.init(.signal(signal), "ended by \(signal)")
    case .refused(let reason): self.init(reason, queue: destination.routingKey, place: place)
    case .unanswered: self.init(.temporaryFailure, "the broker gives no answer about \(place); try again")
    case .unsendable(.doesNotFitFrame(let what)): self.init(.refusedData, "cannot send to \(place): \(what)")
    case .unsendable(let error): self.init(.internalError, "\(place): \(error)")
    case .system(let error): self.init(.internalError, "\(place): \(error)")
    }
  }

  init(_ failure: BrokerFailure) {
    switch failure.kind {
    case .unreachable: self.init(.unreachable, "\(failure)\(Advice.seeConnectTimeout)")
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

extension Advice {
  /// For a broker that was out of reach for too long.
  static let seeConnectTimeout: Advice = " (see \(.connectTimeout))"
}

extension ExitStatus {
  /// Ends this process.
  func exit() -> Never { _exit(rawValue) }
}
