package import AMQP

/// Why there is no connection to a broker, or no longer one.
package struct BrokerFailure: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// Nobody answers there, or not as a broker should: may pass.
    case unreachable
    /// The broker knows us not, or not for this virtual host: will not pass, unless somebody replaces the credentials.
    case loginRefused
    /// The peer could not prove who it is, or did not take our certificate: will not pass.
    case untrusted
    /// A connection that was open has ended.
    case lost
  }

  package var kind: Kind
  package var broker: BrokerURL
  package var detail: String
  /// The credentials that the connection was made with have run out, or the broker has refused them or new ones.
  package var isAboutCredentials: Bool
  /// The file of the token that was the password.
  package var tokenPath: String?
  /// With which reason the broker closed the connection, where it gave one.
  package var closeReason: CloseReason?

  package init(_ kind: Kind, broker: BrokerURL, detail: String) {
    self.kind = kind
    self.broker = broker
    self.detail = detail
    isAboutCredentials = kind == .loginRefused
  }

  /// What to look at where a login was refused.
  package var advice: String {
    tokenPath.map { "check the token in \($0): its 'exp', its scopes, and the vhost" }
      ?? "check user, password and vhost"
  }

  package var description: String {
    switch kind {
    case .unreachable where closeReason != nil: "the broker at \(broker) takes no connection of ours: \(detail)"
    case .unreachable: "cannot reach the broker at \(broker): \(detail)"
    case .loginRefused where tokenPath != nil: "the broker at \(broker) refused the token: \(detail)"
    case .loginRefused: "the broker at \(broker) refused the login of '\(broker.username)': \(detail)"
    case .untrusted: "no TLS with the broker at \(broker): \(detail)"
    case .lost: "lost the connection to the broker at \(broker): \(detail)"
    }
  }

  init(_ error: AMQPError, broker: BrokerURL, wasOpen: Bool) {
    let detail =
      switch error {
      case .protocolViolation(let what): what
      case .doesNotFitFrame(let what): what
      case .loginRefused(let text): text
      case .connectionClosed(let reason): "it closed the connection (\(reason))"
      case .heartbeatMissed(let seconds): "nothing was heard for two heartbeats of \(seconds) s"
      }
    if case .loginRefused = error {
      self.init(.loginRefused, broker: broker, detail: detail)
    } else {
      self.init(wasOpen ? .lost : .unreachable, broker: broker, detail: detail)
    }
    if case .connectionClosed(let reason) = error {
      closeReason = reason
      if reason.meansExpiredCredentials { isAboutCredentials = true }
    }
  }
}
