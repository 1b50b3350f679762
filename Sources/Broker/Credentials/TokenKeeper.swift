internal import AMQP
internal import Linux

/// Has the token of an open connection replaced before it runs out: looks into its file when it is time to, and says what to send.
struct TokenKeeper {
  private let file: SecretFile
  private let access: BrokerAccess
  private var renewal: TokenRenewal

  /// nil where the login was made with no token, or the server is not known to take another one.
  init?(_ access: BrokerAccess, password: String, server: ServerVersion?, now: ContinuousClock.Instant) {
    guard let file = access.token, let server, server.takesNewSecrets else { return nil }
    self.file = file
    self.access = access
    renewal = TokenRenewal(AccessToken(password), now: now, time: Self.time)
  }

  private static var time: Double { ThisProcess.timeOfDay }

  /// When `look` wants to be called.
  var nextLook: ContinuousClock.Instant { renewal.nextLook }

  var isUnderWay: Bool { renewal.isUnderWay }

  /// What to send, if anything.
  mutating func look(now: ContinuousClock.Instant) -> Method? {
    switch renewal.look(found, now: now, time: Self.time) {
    case .renew(let token): return .connectionUpdateSecret(newSecret: ByteString(token.text), reason: "token renewed")
    case .warn(let seconds, let obstacle):
      access.say(.runsOut(path: file.path, in: .seconds(seconds), obstacle))
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

  /// The broker has taken what was sent.
  mutating func taken(now: ContinuousClock.Instant) {
    guard renewal.isUnderWay else { return }
    renewal.taken(now: now, time: Self.time)
    access.say(.renewed(path: file.path))
  }

  /// It could not be sent.
  mutating func notSent(_ reason: String) {
    renewal.notSent()
    access.say(.notUsed("the new token in \(file.path) cannot be sent: \(reason)"))
  }
}
