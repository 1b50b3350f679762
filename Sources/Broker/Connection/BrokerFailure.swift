package import AMQP

/// The reason why a connection to a broker failed or ended.
package struct BrokerFailure: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// No broker answers at the address, or it does not answer like one. This may pass.
    case unreachable
    /// The broker rejected the credentials or the vhost. This does not pass unless the credentials are replaced.
    case loginRefused
    /// The peer could not prove its identity, or rejected our certificate. This does not pass.
    case untrusted
    /// An established connection has ended.
    case lost
  }

  package var kind: Kind
  package var broker: BrokerURL
  package var detail: String
  /// Whether the credentials of the connection have expired, or the broker has rejected them or their replacement.
  package var isAboutCredentials: Bool
  /// The path of the file with the token, if the password was a token.
  package var tokenPath: String?
  /// The reason for which the broker closed the connection, if it gave one.
  package var closeReason: CloseReason?

  package init(_ kind: Kind, broker: BrokerURL, detail: String) {
    self.kind = kind
    self.broker = broker
    self.detail = detail
    isAboutCredentials = kind == .loginRefused
  }

  /// What to check after a refused login.
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
