internal import AMQP

extension BrokerFailure {
  /// Says what the token has to do with it that was the password, and is from a file at `path`. `isRenewed`: the broker had been asked
  /// to take a new one; `time` is the time of day in seconds since 1970.
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
    } else if kind == .unreachable, closeReason == nil, token.text.utf8.count > Self.largestLogin {
      failure.detail +=
        "; our token of \(token.text.utf8.count) bytes may be too long for it, as for a RabbitMQ with less initial_frame_max"
    }
    return failure
  }

  /// A RabbitMQ before 4.1 takes no frame of more than 4 KiB before the login is over, and drops the connection over one. From 4.1 on
  /// it takes 8 KiB, or as much as `initial_frame_max` says.
  private static let largestLogin = 3500
}
