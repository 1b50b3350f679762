package import AMQP
package import TLS

/// The brokers, the credentials and the TLS certificates. Settings that come from files are read again for each
/// connection, because the files may be replaced while a program runs.
package final class BrokerAccess {
  /// The settings that may come from files.
  package struct Settings {
    /// The brokers, which are tried in turn. There is at least one.
    package var brokers: [BrokerURL]
    /// The TLS settings; nil if no broker is reached by TLS.
    package var tls: TLSContext?

    package init(brokers: [BrokerURL], tls: TLSContext? = nil) {
      self.brokers = brokers
      self.tls = tls
    }
  }

  /// The reason why the files cannot be used now. The text does not quote their contents.
  package struct Unusable: Error, Hashable, Sendable {
    package let reason: String

    package init(_ reason: String) { self.reason = reason }
  }

  /// The brokers as they were read last.
  package var brokers: [BrokerURL] { settings.brokers }
  /// The TLS settings as they were read last.
  package var tls: TLSContext? { settings.tls }
  /// Whether the credentials may change.
  package let mayLoginChange: Bool
  /// The file with the token that is the password for all brokers.
  let token: SecretFile?
  /// Receives notices about credentials.
  package var report: (CredentialNotice) -> Void = { _ in }

  /// Called when a broker accepts a login for the first time.
  package var onFirstLogin: (() -> Void)?

  private let read: (() throws(Unusable) -> Settings)?
  private var settings: Settings
  /// Whether the settings have not been used yet.
  private var isFresh = true
  private var lastNotice: CredentialNotice?

  /// Access whose settings never change.
  package init(_ brokers: [BrokerURL], tls: TLSContext? = nil) {
    settings = Settings(brokers: brokers, tls: tls)
    token = nil
    mayLoginChange = false
    read = nil
  }

  /// Access whose settings `read` reads again.
  package init(
    _ settings: Settings, token: SecretFile?, mayLoginChange: Bool, read: @escaping () throws(Unusable) -> Settings
  ) {
    self.settings = settings
    self.token = token
    self.mayLoginChange = mayLoginChange
    self.read = read
  }

  /// The brokers for the next connection. If the files cannot be used, this reports a notice, and the settings stay as
  /// they were.
  package func current() -> [BrokerURL] {
    defer { isFresh = false }
    guard let read, !isFresh else { return brokers }
    do throws(Unusable) {
      let formerTLS = settings.tls
      settings = try read()
      // A connection to a broker that is no longer in the settings may still be made.
      settings.tls = settings.tls ?? formerTLS
      if case .notUsed = lastNotice { lastNotice = nil }
    } catch {
      announce(.notUsed("\(error.reason); it goes on with what was read before"))
    }
    return brokers
  }

  /// The same broker with the present credentials. It is unchanged if the settings no longer contain it.
  package func current(_ broker: BrokerURL) -> BrokerURL { current().first { $0.isSamePlace(as: broker) } ?? broker }

  /// Notes that a broker has accepted a login.
  func loggedIn() {
    onFirstLogin?()
    onFirstLogin = nil
  }

  /// Reports a notice. The same problem is reported once, and not again at each attempt or for each connection.
  func announce(_ notice: CredentialNotice) {
    if !notice.isAbout(sameProblemAs: lastNotice) { report(notice) }
    lastNotice = notice
  }
}

/// News about credentials that are read from files.
package enum CredentialNotice: Hashable, Sendable {
  /// The broker has accepted the new token.
  case renewed(path: String)
  /// The token expires in this time, or has expired if the time is negative, and there is no new token.
  case expires(path: String, in: Duration, TokenProblem)
  /// The files are not used, for this reason.
  case notUsed(String)

  fileprivate func isAbout(sameProblemAs other: CredentialNotice?) -> Bool {
    switch (self, other) {
    case (.expires(let path, _, let problem), .expires(let otherPath, _, let otherProblem)):
      (path, problem) == (otherPath, otherProblem)
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
