import AMQP
import Arguments
import Broker
import Console

/// The sources of the brokers' URLs and of the password: settings, and files that may be replaced while the program runs.
struct BrokerSources {
  static let url = Option(
    "url", .setting("URL"),
    "amqp://user:password@host/vhost; several, with commas, are tried in turn (AMQP_URL, BROKER_URL)"
  ).common.known(as: "broker", "broker-url", "amqp-url", "uri")
  static let urlFile = Option("url-file", .setting("PATH"), "file with the URL, read again for each connection")
  static let passwordFile = Option(
    "password-file", .setting("PATH"), "file with the password, read again for each connection")
  static let tokenFile = Option(
    "token-file", .setting("PATH"),
    "file with an OAuth 2 access token; before it expires, a new one replaces it on the open connection")
  static let mechanism = DefaultedOption("auth-mechanism", .choice, default: BrokerURL.Mechanism.plain) {
    "log in by password, or by client certificate (default \($0))"
  }

  static let options: [any CommandOption] = [url, urlFile, passwordFile, tokenFile]

  /// A file that a setting names.
  private struct Named {
    let file: SecretFile
    /// The setting.
    let source: String

    /// - Throws: `Failure`, `UsageError`
    init(_ path: Setting) throws {
      source = path.source
      do throws(SecretFile.Unreadable) { file = try SecretFile(path.text) } catch {
        let message = "\(path.source) \(path.text): \(error.reason)"
        throw error.mayPass ? Failure(.internalError, "\(message)") : UsageError(message) as any Error
      }
    }

    /// - Throws: `UsageError`, which repeats nothing of the file
    func text() throws(UsageError) -> String {
      do throws(SecretFile.Unreadable) { return try file.read() } catch { throw self.error(error.reason) }
    }

    func error(_ reason: String) -> UsageError { UsageError("\(source) \(file.path): \(reason)") }
  }

  private enum URLs {
    case setting(Setting)
    case file(Named)

    var source: String {
      switch self {
      case .setting(let setting): setting.source
      case .file(let file): file.source
      }
    }
  }

  private let urls: URLs
  private let passwordFile: Named?
  private let tokenFile: Named?
  /// It is nil if the URLs may set it.
  private let mechanism: BrokerURL.Mechanism?

  /// - Throws: `Failure`, `UsageError`
  init(_ settings: inout Settings) throws {
    urls = try Self.urls(&settings)
    let mechanism = try settings.valueIfSet(Self.mechanism)
    // An option outweighs the variable of the other.
    let isTokenGiven = settings.isGiven(Self.tokenFile)
    let isPasswordGiven = settings.isGiven(Self.passwordFile)
    passwordFile = !isTokenGiven || isPasswordGiven ? try settings.value(Self.passwordFile).map(Named.init) : nil
    tokenFile = !isPasswordGiven || isTokenGiven ? try settings.value(Self.tokenFile).map(Named.init) : nil
    guard passwordFile == nil || tokenFile == nil else {
      throw UsageError(
        "\(settings.naming(Self.passwordFile)) and \(settings.naming(Self.tokenFile)) exclude each other")
    }
    guard tokenFile == nil || mechanism != .external else {
      throw UsageError(
        "\(settings.naming(Self.tokenFile)) and \(settings.naming(Self.mechanism)) external exclude each other")
    }
    self.mechanism = tokenFile == nil ? mechanism : .plain
  }

  var urlSource: String { urls.source }

  /// The file of the token, which serves as the password.
  var token: SecretFile? { tokenFile?.file }

  /// Whether the URLs or the password are read from a file.
  var areFiles: Bool {
    if case .file = urls { return true }
    return passwordFile != nil || tokenFile != nil
  }

  /// The brokers according to the settings and to the present content of the files.
  /// - Throws: `UsageError`, which repeats nothing of the secrets
  func brokers() throws -> [BrokerURL] {
    let text =
      switch urls {
      case .setting(let setting): setting.text
      case .file(let file): try file.text()
      }
    var brokers: [BrokerURL]
    do {
      brokers = try BrokerURL.list(parsing: text)
    } catch {
      throw UsageError("the broker's URL in \(urls.source) cannot be used: \(error)")
    }
    for broker in brokers {
      for (name, part) in [(broker.username, "user name"), (broker.host, "host"), (broker.vhost, "vhost")] {
        try Setting.checkName(name, "the \(part) of the broker's URL in \(urls.source)")
      }
    }
    let password = try (passwordFile ?? tokenFile)?.text()
    if let tokenFile, password?.isEmpty == true { throw tokenFile.error("it is empty") }
    let mechanism = mechanism ?? URLParameters(brokers).mechanism ?? Self.mechanism.defaultValue
    for index in brokers.indices {
      if let password { brokers[index].password = password }
      brokers[index].mechanism = mechanism
    }
    return brokers
  }

  private static func urls(_ settings: inout Settings) throws -> URLs {
    if let url = settings.given(url) { return .setting(url) }
    if let path = settings.given(urlFile) { return .file(try Named(path)) }
    if let url = try settings.value(url) ?? settings.variable("AMQP_URL") { return .setting(url) }
    if let path = try settings.value(urlFile) { return .file(try Named(path)) }
    if let url = try settings.variable("BROKER_URL") { return .setting(url) }
    let isInWorker = settings.environment["WORK_ITEM_ATTEMPT"] != nil
    let handingOn =
      isInWorker ? "; 'amqp-job run \(Run.passEnvironment)' hands those of the runner on to its worker" : ""
    let hint = settings.hint(onAbsent: url, variables: ["AMQP_URL", "BROKER_URL"])
    throw UsageError("no broker given: use \(url), AMQP_URL or BROKER_URL\(hint)\(handingOn)")
  }
}
