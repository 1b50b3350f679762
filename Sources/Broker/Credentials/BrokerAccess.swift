public import AMQP

/// The brokers, and how to log in there, as far as files say it that may be replaced while a program runs: they are read anew for each
/// connection.
public final class BrokerAccess {
  /// Why the files cannot be used now. It repeats nothing of what is in there.
  public struct Unusable: Error, Hashable, Sendable {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }
  }

  /// As they were read last; at least one.
  public private(set) var brokers: [BrokerURL]
  /// The file with the token that is the password of all.
  let token: SecretFile?
  /// What to do with what there is to say.
  public var report: (CredentialNotice) -> Void = { _ in }

  private let read: (() throws(Unusable) -> [BrokerURL])?
  /// `brokers` have not been used yet.
  private var areFresh = true
  private var lastNotice: CredentialNotice?

  /// They stay as they are.
  public init(_ brokers: [BrokerURL]) {
    self.brokers = brokers
    token = nil
    read = nil
  }

  /// `read` reads the files anew.
  public init(_ brokers: [BrokerURL], token: SecretFile?, read: @escaping () throws(Unusable) -> [BrokerURL]) {
    self.brokers = brokers
    self.token = token
    self.read = read
  }

  /// Whether files are asked at all.
  public var mayChange: Bool { read != nil }

  /// The brokers as they are to be connected to now. While the files cannot be used that is as before, with a notice.
  public func current() -> [BrokerURL] {
    defer { areFresh = false }
    guard let read, !areFresh else { return brokers }
    do throws(Unusable) {
      brokers = try read()
      if case .notUsed = lastNotice { lastNotice = nil }
    } catch {
      say(.notUsed("\(error.reason); it goes on with what was read before"))
    }
    return brokers
  }

  /// The same broker, and how to log in there now; as it was where the files name that broker no more.
  public func current(_ broker: BrokerURL) -> BrokerURL { current().first { $0.isSamePlace(as: broker) } ?? broker }

  /// Says it once, and not again at each attempt.
  func say(_ notice: CredentialNotice) {
    if notice != lastNotice { report(notice) }
    lastNotice = notice
  }
}

/// What there is to say of credentials that are read from files.
public enum CredentialNotice: Hashable, Sendable {
  /// The broker has taken the new token.
  case renewed(path: String)
  /// The token runs out, or has run out where the time is negative, and there is no new one.
  case runsOut(path: String, in: Duration, TokenObstacle)
  /// What is there is not used, and why.
  case notUsed(String)
}

extension BrokerURL {
  fileprivate func isSamePlace(as other: BrokerURL) -> Bool {
    (host, port, vhost) == (other.host, other.port, other.vhost) && isSecure == other.isSecure
  }
}
