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
    [
      Option(
        "url", value: "URL",
        "amqp://user:password@host/vhost; several, with commas, are tried in turn (AMQP_URL, BROKER_URL)"
      ).everyday,
      Option("url-file", value: "PATH", "read the URL from a file"),
      Option("password-file", value: "PATH", "read the password from a file"),
      Option("connect-timeout", value: "DURATION", "how long the broker may be out of reach (default 60s)"),
      Option("heartbeat", value: "DURATION", "time between heartbeats, 0 for none (default 30s)"),
      Option("tls-ca", value: "PATH", "who may sign the broker's certificate, in PEM (default: the system's list)"),
      Option("tls-cert", value: "PATH", "our own certificate, in PEM"),
      Option("tls-key", value: "PATH", "its key, where --tls-cert does not hold it"),
      Option("tls-server-name", value: "NAME", "whom the broker's certificate is for, if not the URL's host"),
      Option("tls-insecure", "let anybody be the broker: no certificate is verified"),
      Option("auth-mechanism", value: "plain|external", "log in by password, or by our certificate (default plain)"),
    ])

  var brokers: [BrokerURL]
  var connectTimeout: Duration
  /// Seconds.
  var heartbeat: UInt16
  /// What to warn of, once somebody listens.
  private var warnings: [String] = []
  /// nil where no URL is amqps.
  private(set) var tls: TLSContext?

  /// - Throws: `Failure`
  init(_ settings: inout Settings) throws {
    let url = try Self.url(&settings)
    do {
      brokers = try BrokerURL.list(parsing: url.text)
    } catch {
      throw Failure(.usage, "the broker's URL in \(url.source) cannot be used: \(error)")
    }
    for broker in brokers {
      for (name, part) in [(broker.username, "user name"), (broker.host, "host"), (broker.vhost, "vhost")] {
        try Setting.checkName(name, "the \(part) of the broker's URL in \(url.source)")
      }
    }
    if let path = try settings.setting("password-file") {
      let password = try Self.content(of: path).text
      for index in brokers.indices { brokers[index].password = password }
    }
    let parameters = URLParameters(brokers)
    let heartbeat = try settings.duration("heartbeat") ?? parameters.heartbeat ?? .seconds(30)
    guard heartbeat == .zero || heartbeat >= .seconds(1), heartbeat <= .seconds(UInt16.max) else {
      throw Failure(.usage, "--heartbeat is 0, or from 1s to \(UInt16.max)s")
    }
    self.heartbeat = UInt16(heartbeat / .seconds(1))
    connectTimeout = try settings.duration("connect-timeout") ?? parameters.connectTimeout ?? .seconds(60)
    tls = try Self.tls(&settings, parameters, isWanted: brokers.contains(where: \.isSecure))
    let mechanism: BrokerURL.Mechanism = try settings.choice("auth-mechanism") ?? parameters.mechanism ?? .plain
    guard mechanism == .plain || (tls?.hasCertificate == true && brokers.allSatisfy(\.isSecure)) else {
      throw Failure(.usage, "--auth-mechanism external needs amqps:// URLs, and a certificate of ours (--tls-cert)")
    }
    for index in brokers.indices { brokers[index].mechanism = mechanism }
    warnings = [parameters.warning(in: url.source), Self.hidePasswords(settings.given.all("url"))].compactMap(\.self)
  }

  /// `reporter`, where there is one, says what is waited for: at once what is in the way, and on a terminal after a second that
  /// there is no answer.
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`
  func connect(
    name: String, _ reporter: Reporter?, largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil
  ) throws -> BrokerSession {
    try BrokerSession.connect(
      to: brokers, timeout: connectTimeout, heartbeat: heartbeat, name: name, tls: tls,
      largestBodyInMemory: largestBodyInMemory, signals: signals, patience: reporter?.patience
    ) { reporter?.report(LogEntry($0, timeout: connectTimeout)) }
  }

  func warn(_ reporter: Reporter) {
    if tls?.verifies == false {
      let line =
        "the broker's certificate is not verified, anybody may be it (--tls-insecure, or verify_none in its URL)"
      reporter.report(LogEntry(.warning, line))
    }
    if brokers.contains(where: \.isSecure), let plain = brokers.first(where: { !$0.isSecure }) {
      let line = "one of the URLs is amqp://: with the broker at \(plain) passwords and items go in plain text"
      reporter.report(LogEntry(.warning, line))
    }
    for warning in warnings { reporter.report(LogEntry(.warning, warning)) }
  }

  /// - Throws: `Failure`
  private static func tls(
    _ settings: inout Settings, _ parameters: URLParameters, isWanted: Bool
  ) throws -> TLSContext? {
    var configuration = TLSConfiguration()
    configuration.authorities = try settings.text("tls-ca")
    configuration.certificate = try settings.text("tls-cert")
    configuration.key = try settings.text("tls-key")
    configuration.serverName = try settings.value("tls-server-name", "a name or an address") { $0.isEmpty ? nil : $0 }
    _ = try settings.name("tls-server-name")
    configuration.verifies = try !settings.flag("tls-insecure")
    guard isWanted else {
      guard configuration == TLSConfiguration() else {
        throw Failure(.usage, "the --tls options are for amqps:// URLs, and there is none")
      }
      return nil
    }
    configuration.authorities = configuration.authorities ?? parameters.authorities
    if configuration.certificate == nil {
      configuration.certificate = parameters.certificate
      configuration.key = configuration.key ?? parameters.key
    }
    configuration.serverName = configuration.serverName ?? parameters.serverName
    if try settings.setting("tls-insecure") == nil { configuration.verifies = parameters.verifies ?? true }
    do { return try TLSContext(configuration) } catch { throw Failure(.usage, "\(error)") }
  }

  private static func url(_ settings: inout Settings) throws -> Setting {
    if let url = settings.option("url") { return url }
    if let path = settings.option("url-file") { return try content(of: path) }
    if let url = try settings.variable("AMQP_URL") { return url }
    if let path = try settings.setting("url-file") { return try content(of: path) }
    if let url = try settings.variable("BROKER_URL") { return url }
    throw Failure(.usage, "no broker given: use --url, AMQP_URL or BROKER_URL")
  }

  private static func hidePasswords(_ urls: [String]) -> String? {
    let hidden = urls.filter { url in
      let ranges = BrokerURL.passwordRanges(in: url)
      return !ranges.isEmpty && ThisProcess.hide(ranges, ofArgument: url)
    }
    guard !hidden.isEmpty else { return nil }
    return "the password in --url could be seen by every process of this host until now; use AMQP_URL or --url-file"
  }

  /// What is in the file that `path` names.
  /// - Throws: `Failure`, which repeats nothing of the file
  private static func content(of path: Setting) throws -> Setting {
    let bytes: [UInt8]
    do { bytes = try SmallFile.read(path.text) } catch let error as SystemError {
      throw Failure(.usage, "\(path.source) \(path.text): \(error.reason)")
    }
    guard let content = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(path.source) \(path.text): it is not text in UTF-8")
    }
    return Setting(content, from: path.source)
  }
}

extension LogEntry {
  /// What is waited for, for at most `timeout`.
  init(_ notice: BrokerSession.Notice, timeout: Duration) {
    switch notice {
    case .unreachable(let failure): self.init(.notice, "\(failure); trying for \(timeout.text)")
    case .unanswered(let broker): self.init(.notice, "waiting for an answer of the broker at \(broker)")
    }
  }
}
