import AMQP
import Arguments
import Broker
import Console
import JobRunner
import Linux
import TLS

/// The options that say which broker to use, and how to talk to it.
struct BrokerOptions {
  static let connectTimeout = DefaultedOption(
    "connect-timeout", .duration, default: Run.defaults.connection.connectTimeout
  ) {
    "how long the broker may be unreachable, 0 for any time (default \($0))"
  }
  static let heartbeat = DefaultedOption("heartbeat", .heartbeat, default: .seconds(30)) {
    "time between heartbeats, 0 for none (default \($0))"
  }

  static let group = OptionGroup(
    "Broker",
    BrokerSources.options + [connectTimeout, heartbeat] + TLSOptions.options + [BrokerSources.mechanism])

  let access: BrokerAccess
  var connectTimeout: Duration
  /// In seconds.
  var heartbeat: UInt16
  /// The warnings to report before connecting, since an error may come from what they warn of.
  private var warnings: [String] = []
  /// The warnings to report after the first login. No error before it comes from what they warn of.
  private var warningsOfLogin: [String] = []

  /// - Throws: `Failure`, `UsageError`
  init(_ settings: inout Settings) throws {
    let sources = try BrokerSources(&settings)
    let tls = try TLSOptions(&settings)
    let content = try Self.content(sources, tls)
    guard content.tls != nil || tls.areNone else {
      throw UsageError("the --tls options are for amqps:// URLs, and there is none")
    }
    let parameters = URLParameters(content.brokers)
    let configuration = tls.configuration(parameters)
    let areReadOnce = configuration.files.contains { !SmallFile.isRegular($0) && !SmallFile.isDirectory($0) }
    access = BrokerAccess(
      content, token: sources.token, mayLoginChange: sources.areFiles || configuration.certificate != nil
    ) { () throws(BrokerAccess.Unusable) in
      do { return try Self.content(sources, tls, former: areReadOnce ? content.tls : nil) } catch {
        throw BrokerAccess.Unusable(Failure(error).message.text(for: .amqpJob))
      }
    }
    let heartbeat =
      try settings.valueIfSet(Self.heartbeat) ?? parameters.heartbeat ?? Self.heartbeat.defaultValue
    self.heartbeat = UInt16(heartbeat / .seconds(1))
    let outage =
      try settings.valueIfSet(Self.connectTimeout) ?? parameters.connectTimeout ?? Self.connectTimeout.defaultValue
    connectTimeout = outage == .zero ? .unlimited : outage
    warnings = [parameters.warning(in: sources.urlSource)].compactMap(\.self)
    warningsOfLogin = [Self.hidePasswords(settings.arguments.texts(of: BrokerSources.url)), unsafeTLS, plainText]
      .compactMap(\.self)
  }

  /// While it connects, `reporter` reports what it waits for. It reports a failed attempt at once and, on a terminal, a broker
  /// that has not answered after a second. `advice` follows these lines.
  func connect(
    name: String, _ reporter: Reporter?, largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil,
    advice: @escaping (BrokerURL) -> LogMessage = { _ in "" }
  ) throws(SessionError) -> BrokerSession {
    let session = try BrokerSession.connect(
      to: access, timeout: connectTimeout, heartbeat: heartbeat, name: name,
      maxBodySizeInMemory: largestBodyInMemory, signals: signals, patience: reporter?.patience
    ) { reporter?.report(LogEntry($0, timeout: connectTimeout, advice)) }
    let version = session.serverVersion.map { " (RabbitMQ \($0))" } ?? ""
    reporter?.report(LogEntry(.info, "the broker at \(session.broker) answers\(version)"))
    return session
  }

  /// Reports the warnings, and from now on every change of the credentials.
  func warn(_ reporter: Reporter) {
    access.report = { reporter.report($0.entry) }
    func report(_ warnings: [String]) { warnings.forEach { reporter.report(LogEntry(.warning, "\($0)")) } }
    access.onFirstLogin = { [warningsOfLogin] in report(warningsOfLogin) }
    report(warnings)
  }

  private var unsafeTLS: String? {
    guard access.tls?.verifies == false else { return nil }
    return "anybody may pose as the broker: its certificate is not verified (--tls-insecure, or verify_none in its URL)"
  }

  private var plainText: String? {
    let brokers = access.brokers
    guard brokers.contains(where: \.isSecure), let plain = brokers.first(where: { !$0.isSecure }) else { return nil }
    return "passwords and items go to the broker at \(plain) in plain text, because its URL is amqp://"
  }

  /// The brokers and the TLS context according to the settings and to the present content of the files. `former`, if given, is
  /// the TLS context instead.
  /// - Throws: `UsageError`
  private static func content(
    _ sources: BrokerSources, _ tls: TLSOptions, former: TLSContext? = nil
  ) throws -> BrokerAccess.Settings {
    let brokers = try sources.brokers()
    let configuration = tls.configuration(URLParameters(brokers))
    guard brokers.allSatisfy({ $0.mechanism == .plain || ($0.isSecure && configuration.certificate != nil) }) else {
      throw UsageError(
        "\(BrokerSources.mechanism) external needs amqps:// URLs, and a client certificate (\(TLSOptions.certificate))"
      )
    }
    guard brokers.contains(where: \.isSecure) else { return BrokerAccess.Settings(brokers: brokers) }
    do { return BrokerAccess.Settings(brokers: brokers, tls: try former ?? TLSContext(configuration)) } catch {
      throw UsageError("\(error)")
    }
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

extension ValueType where Value == Duration {
  fileprivate static var heartbeat: Self {
    duration.limited("is 0, or from 1s to \(UInt16.max)s") {
      $0 == .zero || $0 >= .seconds(1) && $0 <= .seconds(UInt16.max)
    }
  }
}

extension LogEntry {
  /// Tells what the program waits for, at most for `timeout`, and what to do about it.
  init(_ notice: BrokerSession.Notice, timeout: Duration, _ advice: (BrokerURL) -> LogMessage = { _ in "" }) {
    switch notice {
    case .unreachable(let failure):
      self.init(.notice, "\(failure); trying for \(timeout.limitText)\(advice(failure.broker))")
    case .unanswered(let broker):
      self.init(.notice, "waiting for an answer from the broker at \(broker)\(advice(broker))")
    }
  }
}
