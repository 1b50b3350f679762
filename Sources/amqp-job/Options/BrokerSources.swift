import AMQP
import Arguments
import Broker
import Console

/// Where the URLs of the brokers and the password are from: settings, and files that may be replaced while the program runs.
struct BrokerSources {
  static let options = [
    Option(
      "url", value: "URL",
      "amqp://user:password@host/vhost; several, with commas, are tried in turn (AMQP_URL, BROKER_URL)"
    ).everyday,
    Option("url-file", value: "PATH", "read the URL from a file, anew for each connection"),
    Option("password-file", value: "PATH", "read the password from a file, anew for each connection"),
    Option(
      "token-file", value: "PATH",
      "read an OAuth 2 access token from a file; a new one in time replaces it on the open connection"),
  ]

  /// A file that a setting names.
  private struct Named {
    let file: SecretFile
    /// The setting.
    let source: String

    /// - Throws: `Failure`
    init(_ path: Setting) throws {
      source = path.source
      do throws(SecretFile.Unreadable) { file = try SecretFile(path.text) } catch {
        throw Failure(error.mayPass ? .internalError : .usage, "\(path.source) \(path.text): \(error.reason)")
      }
    }

    /// - Throws: `Failure`, which repeats nothing of the file
    func text() throws -> String {
      do throws(SecretFile.Unreadable) { return try file.read() } catch { throw failure(error.reason) }
    }

    func failure(_ reason: String) -> Failure { Failure(.usage, "\(source) \(file.path): \(reason)") }
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
  /// nil where the URLs may say it.
  private let mechanism: BrokerURL.Mechanism?

  /// - Throws: `Failure`
  init(_ settings: inout Settings) throws {
    urls = try Self.urls(&settings)
    let mechanism: BrokerURL.Mechanism? = try settings.choice("auth-mechanism")
    // An option outweighs what the environment says of the other.
    let isTokenGiven = settings.given.contains("token-file")
    let isPasswordGiven = settings.given.contains("password-file")
    passwordFile = !isTokenGiven || isPasswordGiven ? try settings.setting("password-file").map(Named.init) : nil
    tokenFile = !isPasswordGiven || isTokenGiven ? try settings.setting("token-file").map(Named.init) : nil
    guard passwordFile == nil || tokenFile == nil else {
      throw Failure(.usage, "--password-file and --token-file exclude each other")
    }
    guard tokenFile == nil || mechanism != .external else {
      throw Failure(.usage, "--token-file and --auth-mechanism external exclude each other")
    }
    self.mechanism = tokenFile == nil ? mechanism : .plain
  }

  var urlSource: String { urls.source }

  /// The file of what is both a token and the password.
  var token: SecretFile? { tokenFile?.file }

  /// Whether any of it is from a file.
  var areFiles: Bool {
    if case .file = urls { return true }
    return passwordFile != nil || tokenFile != nil
  }

  /// As the settings and the files say it now.
  /// - Throws: `Failure`, which repeats nothing of the secrets
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
      throw Failure(.usage, "the broker's URL in \(urls.source) cannot be used: \(error)")
    }
    for broker in brokers {
      for (name, part) in [(broker.username, "user name"), (broker.host, "host"), (broker.vhost, "vhost")] {
        try Setting.checkName(name, "the \(part) of the broker's URL in \(urls.source)")
      }
    }
    let password = try (passwordFile ?? tokenFile)?.text()
    if let tokenFile, password?.isEmpty == true { throw tokenFile.failure("it is empty") }
    let mechanism = mechanism ?? URLParameters(brokers).mechanism ?? .plain
    for index in brokers.indices {
      if let password { brokers[index].password = password }
      brokers[index].mechanism = mechanism
    }
    return brokers
  }

  private static func urls(_ settings: inout Settings) throws -> URLs {
    if let url = settings.option("url") { return .setting(url) }
    if let path = settings.option("url-file") { return .file(try Named(path)) }
    if let url = try settings.setting("url") ?? settings.variable("AMQP_URL") { return .setting(url) }
    if let path = try settings.setting("url-file") { return .file(try Named(path)) }
    if let url = try settings.variable("BROKER_URL") { return .setting(url) }
    throw Failure(.usage, "no broker given: use --url, AMQP_URL or BROKER_URL")
  }
}
