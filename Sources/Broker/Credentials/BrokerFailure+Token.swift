internal import AMQP

extension BrokerFailure {
  /// Adds what the token has to do with the failure. The token was the password, and is from the file at `path`.
  /// `isRenewed` tells whether the broker had been asked to accept a new token. `time` is the time of day in seconds
  /// since 1970.
  func explained(token: AccessToken, path: String, isRenewed: Bool, time: Double) -> BrokerFailure {
    var failure = self
    failure.tokenPath = path
    if closeReason?.meansExpiredCredentials == true {
      failure.detail = "the token from \(path) has run out, so \(detail)"
    } else if isRenewed, closeReason?.code == .notAllowed {
      failure.isAboutCredentials = true
      failure.detail = "it does not take the new token in \(path), so \(detail)"
    } else if kind == .loginRefused, let expiry = token.expiry, expiry <= time {
      failure.detail = "it has run out (\(detail))"
    } else if kind == .unreachable, closeReason == nil, token.text.utf8.count > Self.maxSafeTokenSize {
      failure.detail +=
        "; the token of \(token.text.utf8.count) bytes may be too long: RabbitMQ takes no login above its initial_frame_max"
    }
    return failure
  }

  /// The size of a token, in bytes, above which the login may be too large. Before 4.1, RabbitMQ accepts at most 4 KiB
  /// before the login is complete, and closes the connection otherwise. Since 4.1 it accepts 8 KiB, or as much as
  /// `initial_frame_max` allows.
  private static let maxSafeTokenSize = 3500
}
