import AMQP
import Arguments
import Broker
import Console
import Linux
import TLS

/// Which broker, and how to talk to it.
struct BrokerOptions {
  static let group = OptionGroup(
    "Broker",
    BrokerSources.options + [
      Option(
        "connect-timeout", value: "DURATION", "how long the broker may be out of reach, 0 for any time (default 60s)"),
      Option("heartbeat", value: "DURATION", "time between heartbeats, 0 for none (default 30s)"),
    ] + TLSOptions.options + [
      Option("auth-mechanism", value: "plain|external", "log in by password, or by our certificate (default plain)")
    ])

  let access: BrokerAccess
  var connectTimeout: Duration
  /// Longer than anybody waits.
  private static let anyTime: Duration = .seconds(UInt32.max)
  /// Seconds.
  var heartbeat: UInt16
  /// What to warn of, once somebody listens: it may be what an error comes from.
  private var warnings: [String] = []
  /// What to warn of once a broker has let us in. Of an error at the login nothing of it is the cause.
  private var warningsOfLogin: [String] = []

  /// - Throws: `Failure`
  init(_ settings: inout Settings) throws {
    let sources = try BrokerSources(&settings)
    let tls = try TLSOptions(&settings)
    let content = try Self.content(sources, tls)
    guard content.tls != nil || tls.areNone else {
      throw Failure(.usage, "the --tls options are for amqps:// URLs, and there is none")
    }
    let parameters = URLParameters(content.brokers)
    let configuration = tls.configuration(parameters)
    let areReadOnce = configuration.files.contains { !SmallFile.isRegular($0) && !SmallFile.isDirectory($0) }
    access = BrokerAccess(
      content, token: sources.token, mayLoginChange: sources.areFiles || configuration.certificate != nil
    ) { () throws(BrokerAccess.Unusable) in
      do { return try Self.content(sources, tls, former: areReadOnce ? content.tls : nil) } catch {
        throw BrokerAccess.Unusable((error as? Failure)?.message.text(for: .amqpJob) ?? "\(error)")
      }
    }
    let heartbeat = try settings.duration("heartbeat") ?? parameters.heartbeat ?? .seconds(30)
    guard heartbeat == .zero || heartbeat >= .seconds(1), heartbeat <= .seconds(UInt16.max) else {
      throw Failure(.usage, "--heartbeat is 0, or from 1s to \(UInt16.max)s")
    }
    self.heartbeat = UInt16(heartbeat / .seconds(1))
    let outage = try settings.duration("connect-timeout") ?? parameters.connectTimeout ?? .seconds(60)
    connectTimeout = outage == .zero ? Self.anyTime : outage
    warnings = [parameters.warning(in: sources.urlSource)].compactMap(\.self) + settings.unknownVariableWarnings()
    warningsOfLogin = [Self.hidePasswords(settings.given.all("url")), unsafeTLS, plainText].compactMap(\.self)
  }

  /// `reporter`, where there is one, says what is waited for: at once what is in the way, and on a terminal after a second that
  /// there is no answer.
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`
  func connect(
    name: String, _ reporter: Reporter?, largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil
  ) throws -> BrokerSession {
    let session = try BrokerSession.connect(
      to: access, timeout: connectTimeout, heartbeat: heartbeat, name: name,
      maxBodySizeInMemory: largestBodyInMemory, signals: signals, patience: reporter?.patience
    ) { reporter?.report(LogEntry($0, timeout: connectTimeout)) }
    let version = session.serverVersion.map { " (RabbitMQ \($0))" } ?? ""
    reporter?.report(LogEntry(.info, "the broker at \(session.broker) answers\(version)"))
    return session
  }

  /// Says what there is to say, now and when the credentials change.
  func warn(_ reporter: Reporter) {
    access.report = { reporter.report($0.entry) }
    func report(_ warnings: [String]) { warnings.forEach { reporter.report(LogEntry(.warning, "\($0)")) } }
    access.onFirstLogin = { [warningsOfLogin] in report(warningsOfLogin) }
    report(warnings)
  }

  private var unsafeTLS: String? {
    guard access.tls?.verifies == false else { return nil }
    return "the broker's certificate is not verified, anybody may be it (--tls-insecure, or verify_none in its URL)"
  }

  private var plainText: String? {
    let brokers = access.brokers
    guard brokers.contains(where: \.isSecure), let plain = brokers.first(where: { !$0.isSecure }) else { return nil }
    return "one of the URLs is amqp://: with the broker at \(plain) passwords and items go in plain text"
  }

  /// As settings and files have it now; but for `former`, where that is given.
  /// - Throws: `Failure`
  private static func content(
    _ sources: BrokerSources, _ tls: TLSOptions, former: TLSContext? = nil
  ) throws -> BrokerAccess.Settings {
    let brokers = try sources.brokers()
    let configuration = tls.configuration(URLParameters(brokers))
    guard brokers.allSatisfy({ $0.mechanism == .plain || ($0.isSecure && configuration.certificate != nil) }) else {
      throw Failure(.usage, "--auth-mechanism external needs amqps:// URLs, and a certificate of ours (--tls-cert)")
    }
    guard brokers.contains(where: \.isSecure) else { return BrokerAccess.Settings(brokers: brokers) }
    do { return BrokerAccess.Settings(brokers: brokers, tls: try former ?? TLSContext(configuration)) } catch {
      throw Failure(.usage, "\(error)")
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

extension LogEntry {
  /// What is waited for, for at most `timeout`.
  init(_ notice: BrokerSession.Notice, timeout: Duration) {
    switch notice {
    case .unreachable(let failure): self.init(.notice, "\(failure); trying for \(timeout.text)")
    case .unanswered(let broker): self.init(.notice, "waiting for an answer of the broker at \(broker)")
    }
  }
}
