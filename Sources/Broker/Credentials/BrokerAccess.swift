package import AMQP
package import TLS

/// The brokers, how to log in there, and by which certificates to speak TLS. As far as files say it, which may be replaced while a program
/// runs, they are read anew for each connection.
package final class BrokerAccess {
  /// What the files say.
  package struct Settings {
    /// Tried in turn; at least one.
    package var brokers: [BrokerURL]
    /// nil where no broker is reached by TLS.
    package var tls: TLSContext?

    package init(brokers: [BrokerURL], tls: TLSContext? = nil) {
      self.brokers = brokers
      self.tls = tls
    }
  }

  /// Why the files cannot be used now. It repeats nothing of what is in there.
  package struct Unusable: Error, Hashable, Sendable {
    package let reason: String

    package init(_ reason: String) { self.reason = reason }
  }

  /// As they were read last.
  package var brokers: [BrokerURL] { settings.brokers }
  /// The same of TLS.
  package var tls: TLSContext? { settings.tls }
  /// The login, too, may be another one.
  package let mayLoginChange: Bool
  /// The file with the token that is the password of all.
  let token: SecretFile?
  /// What to do with what there is to say.
  package var report: (CredentialNotice) -> Void = { _ in }

  /// What to do when a broker lets us in for the first time.
  package var onFirstLogin: (() -> Void)?

  private let read: (() throws(Unusable) -> Settings)?
  private var settings: Settings
  /// It has not been used yet.
  private var isFresh = true
  private var lastNotice: CredentialNotice?

  /// Nothing of it changes.
  package init(_ brokers: [BrokerURL], tls: TLSContext? = nil) {
    settings = Settings(brokers: brokers, tls: tls)
    token = nil
    mayLoginChange = false
    read = nil
  }

  /// `read` reads the files anew.
  package init(
    _ settings: Settings, token: SecretFile?, mayLoginChange: Bool, read: @escaping () throws(Unusable) -> Settings
  ) {
    self.settings = settings
    self.token = token
    self.mayLoginChange = mayLoginChange
    self.read = read
  }

  /// The brokers as they are to be connected to now. While the files cannot be used that is as before, with a notice.
  package func current() -> [BrokerURL] {
    defer { isFresh = false }
    guard let read, !isFresh else { return brokers }
    do throws(Unusable) {
      let formerTLS = settings.tls
      settings = try read()
      // A broker that is named no more may be connected to once more.
      settings.tls = settings.tls ?? formerTLS
      if case .notUsed = lastNotice { lastNotice = nil }
    } catch {
      say(.notUsed("\(error.reason); it goes on with what was read before"))
    }
    return brokers
  }

  /// The same broker, and how to log in there now; as it was where the files name that broker no more.
  package func current(_ broker: BrokerURL) -> BrokerURL { current().first { $0.isSamePlace(as: broker) } ?? broker }

  /// A broker has let us in.
  func loggedIn() {
    onFirstLogin?()
    onFirstLogin = nil
  }

  /// Says it; but trouble once only, and not again at each attempt, or for each of several connections.
  func say(_ notice: CredentialNotice) {
    if !notice.isAbout(sameTroubleAs: lastNotice) { report(notice) }
    lastNotice = notice
  }
}

/// What there is to say of credentials that are read from files.
package enum CredentialNotice: Hashable, Sendable {
  /// The broker has taken the new token.
  case renewed(path: String)
  /// The token runs out, or has run out where the time is negative, and there is no new one.
  case runsOut(path: String, in: Duration, TokenProblem)
  /// What is there is not used, and why.
  case notUsed(String)

  fileprivate func isAbout(sameTroubleAs other: CredentialNotice?) -> Bool {
    switch (self, other) {
    case (.runsOut(let path, _, let obstacle), .runsOut(let otherPath, _, let otherObstacle)):
      (path, obstacle) == (otherPath, otherObstacle)
    case (.notUsed(let line), .notUsed(let otherLine)): line == otherLine
    default: false
    }
  }
}

extension BrokerURL {
  fileprivate func isSamePlace(as other: BrokerURL) -> Bool {
    (host, port, vhost) == (other.host, other.port, other.vhost) && isSecure == other.isSecure
  }
}
