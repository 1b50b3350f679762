internal import AMQP
internal import Linux

/// Renews the token of an open connection before it expires. It reads the token file from time to time, and returns the
/// method to send.
struct TokenKeeper {
  private let file: SecretFile
  private let access: BrokerAccess
  private var renewal: TokenRenewal

  /// The result is nil if the login used no token, or if the server may not accept another one.
  init?(_ access: BrokerAccess, password: String, server: ServerVersion?, now: ContinuousClock.Instant) {
    guard let file = access.token, let server, server.takesNewSecrets else { return nil }
    self.file = file
    self.access = access
    renewal = TokenRenewal(AccessToken(password), now: now, time: Self.time)
  }

  private static var time: Double { ThisProcess.timeOfDay }

  /// The time for the next `check`.
  var nextCheck: ContinuousClock.Instant { renewal.nextCheck }

  var isUnderWay: Bool { renewal.isUnderWay }

  /// Reads the token file. Returns the method to send, if there is one.
  mutating func check(now: ContinuousClock.Instant) -> Method? {
    switch renewal.check(found, now: now, time: Self.time) {
    case .renew(let token): return .connectionUpdateSecret(newSecret: ByteString(token.text), reason: "token renewed")
    case .warn(let seconds, let problem):
      access.announce(.expires(path: file.path, in: .seconds(seconds), problem))
      return nil
    case nil: return nil
    }
  }

  private var found: TokenRenewal.Found {
    do throws(SecretFile.Unreadable) {
      let text = try file.read()
      return text.isEmpty ? .unreadable("it is empty") : .token(AccessToken(text))
    } catch {
      return .unreadable(error.reason)
    }
  }

  /// Notes that the broker has accepted the new token.
  mutating func accepted(now: ContinuousClock.Instant) {
    guard renewal.isUnderWay else { return }
    renewal.accepted(now: now, time: Self.time)
    access.announce(.renewed(path: file.path))
  }

  /// Notes that the new token could not be sent.
  mutating func notSent(_ reason: String) {
    renewal.notSent()
    access.announce(.notUsed("the new token in \(file.path) cannot be sent: \(reason)"))
  }
}
