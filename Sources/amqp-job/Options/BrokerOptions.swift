import AMQP
import Arguments
import Broker
import JobRunner
import Linux
import TLS

/// Which broker, and how to talk to it.
struct BrokerOptions {
  static let group = OptionGroup(
    "Broker",
    BrokerSources.options + [
      Option("connect-timeout", value: "DURATION", "how long the broker may be out of reach (default 60s)"),
      Option("heartbeat", value: "DURATION", "time between heartbeats, 0 for none (default 30s)"),
      Option("tls-ca", value: "PATH", "who may sign the broker's certificate, in PEM (default: the system's list)"),
      Option("tls-cert", value: "PATH", "our own certificate, in PEM"),
      Option("tls-key", value: "PATH", "its key, where --tls-cert does not hold it"),
      Option("tls-server-name", value: "NAME", "whom the broker's certificate is for, if not the URL's host"),
      Option("tls-insecure", "let anybody be the broker: no certificate is verified"),
      Option("auth-mechanism", value: "plain|external", "log in by password, or by our certificate (default plain)"),
    ])

  let access: BrokerAccess
  var connectTimeout: Duration
  /// Seconds.
  var heartbeat: UInt16
  /// What to warn of, once somebody listens.
  private var warning: String?
  /// - Throws: `Failure`
  init(_ settings: inout Settings) throws {
    let sources = try BrokerSources(&settings)
    let tls = try Self.tlsConfiguration(&settings)
    let content = try Self.content(sources, tls)
    guard content.tls != nil || tls == TLSConfiguration() else {
      throw Failure(.usage, "the --tls options are for amqps:// URLs, and there is none")
    }
    let areReadOnce = tls.files.contains { !SmallFile.isRegular($0) && !SmallFile.isDirectory($0) }
    access = BrokerAccess(
      content, token: sources.token, mayLoginChange: sources.areFiles || tls.certificate != nil
    ) { () throws(BrokerAccess.Unusable) in
      do { return try Self.content(sources, tls, former: areReadOnce ? content.tls : nil) } catch {
        throw BrokerAccess.Unusable((error as? Failure)?.message ?? "\(error)")
      }
    }
    let heartbeat = try settings.duration("heartbeat") ?? .seconds(30)
    guard heartbeat == .zero || heartbeat >= .seconds(1), heartbeat <= .seconds(UInt16.max) else {
      throw Failure(.usage, "--heartbeat is 0, or from 1s to \(UInt16.max)s")
    }
    self.heartbeat = UInt16(heartbeat / .seconds(1))
    connectTimeout = try settings.duration("connect-timeout") ?? .seconds(60)
    warning = Self.hidePasswords(settings.given.all("url"))
  }

  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`
  func connect(
    name: String, largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil
  ) throws -> BrokerSession {
    try BrokerSession.connect(
      to: access, timeout: connectTimeout, heartbeat: heartbeat, name: name,
      largestBodyInMemory: largestBodyInMemory, signals: signals)
  }

  /// Says what there is to say, now and when the credentials change.
  func warn(_ reporter: Reporter) {
    access.report = { reporter.report($0.entry) }
    let brokers = access.brokers
    if access.tls?.verifies == false {
      reporter.report(LogEntry(.warning, "--tls-insecure: the broker's certificate is not verified, anybody may be it"))
    }
    if brokers.contains(where: \.isSecure), let plain = brokers.first(where: { !$0.isSecure }) {
      let line = "one of the URLs is amqp://: with the broker at \(plain) passwords and items go in plain text"
      reporter.report(LogEntry(.warning, line))
    }
    if let warning { reporter.report(LogEntry(.warning, warning)) }
  }

  /// As settings and files have it now; but for `former`, where that is given.
  /// - Throws: `Failure`
  private static func content(
    _ sources: BrokerSources, _ tls: TLSConfiguration, former: TLSContext? = nil
  ) throws -> BrokerAccess.Content {
    let brokers = try sources.brokers()
    guard brokers.allSatisfy({ $0.mechanism == .plain || ($0.isSecure && tls.certificate != nil) }) else {
      throw Failure(.usage, "--auth-mechanism external needs amqps:// URLs, and a certificate of ours (--tls-cert)")
    }
    guard brokers.contains(where: \.isSecure) else { return BrokerAccess.Content(brokers: brokers) }
    do { return BrokerAccess.Content(brokers: brokers, tls: try former ?? TLSContext(tls)) } catch {
      throw Failure(.usage, "\(error)")
    }
  }

  /// - Throws: `Failure`
  private static func tlsConfiguration(_ settings: inout Settings) throws -> TLSConfiguration {
    var configuration = TLSConfiguration()
    configuration.authorities = try settings.text("tls-ca")
    configuration.certificate = try settings.text("tls-cert")
    configuration.key = try settings.text("tls-key")
    configuration.serverName = try settings.value("tls-server-name", "a name or an address") { $0.isEmpty ? nil : $0 }
    _ = try settings.name("tls-server-name")
    configuration.verifies = try !settings.flag("tls-insecure")
    return configuration
  }

  private static func hidePasswords(_ urls: [String]) -> String? {
    let hidden = urls.filter { url in
      let ranges = BrokerURL.passwordRanges(in: url)
      return !ranges.isEmpty && ThisProcess.hide(ranges, ofArgument: url)
    }
    guard !hidden.isEmpty else { return nil }
    return "the password in --url could be seen by every process of this host until now; use AMQP_URL or --url-file"
  }
}
