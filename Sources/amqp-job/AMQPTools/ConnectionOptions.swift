import AMQP
import Arguments
import Broker
import Console
import Linux
import TLS

/// The options of all programs of amqp-tools that say which broker to use and how. The environment is not read.
struct ConnectionOptions {
  static let url = PoptOption.text("url", short: "u", "amqp://...", "the AMQP URL to connect to")
  static let server = PoptOption.text("server", short: "s", "hostname", "the AMQP server to connect to")
  static let port = PoptOption.number("port", "port", "the port to connect on")
  static let vhost = PoptOption.text("vhost", "vhost", "the vhost to use when connecting")
  static let username = PoptOption.text("username", "username", "the username to login with")
  static let password = PoptOption.text("password", "password", "the password to login with")
  static let heartbeat = PoptOption.number("heartbeat", "heartbeat", "heartbeat interval, set to 0 to disable")
  static let authFile = PoptOption.text(
    "authfile", "file", "path to file containing username/password for authentication")
  static let ssl = PoptOption.flag("ssl", "connect over SSL/TLS")
  static let authorities = PoptOption.text("cacert", "cacert.pem", "path to the CA certificate file")
  static let key = PoptOption.text("key", "key.pem", "path to the client private key file")
  static let certificate = PoptOption.text("cert", "cert.pem", "path to the client certificate file")

  static let group = PoptGroup(
    "Connection options",
    [
      url, server, port, vhost, username, password, heartbeat, authFile, ssl, authorities, key, certificate,
    ])

  /// How these options differ from those of the original programs.
  static let differences = [
    "--ssl or a URL of amqps:// turns on TLS, which verifies the broker's certificate and the name in it. The certificate "
      + "is verified against --cacert or, without it, against the system's certificate authorities. The name may be an IP "
      + "address.",
    "--ssl with --server means port 5671, unless --port is given. The original refuses this. --ssl with a URL of amqp:// "
      + "is refused. The original goes on in plain text.",
    "--cacert, --cert and --key are refused without TLS, or if the file that they name cannot be used. --cert without "
      + "--key is refused if the file of --cert does not hold the key.",
    "A password in the arguments is overwritten as soon as it has been read, and no error message repeats it.",
    "A URL with an empty path means the vhost /. --port takes 1 to 65535, and --heartbeat takes 0 to 65535.",
    "The broker has 10 s to accept the connection and the login.",
    "An error message about an unknown option does not repeat what follows =.",
  ]

  static let environment = [
    Explained("SSL_CERT_FILE, SSL_CERT_DIR", "The certificates that TLS trusts, if --cacert is not given.")
  ]

  let broker: BrokerURL
  /// In seconds. It is 0 if there are no heartbeats.
  let heartbeat: UInt16
  /// The credentials stay the same for the whole run.
  let access: BrokerAccess

  /// Overwrites passwords in the arguments, which `/proc` shows to other processes.
  /// - Throws: `Failure`, `UsageError`
  init(_ arguments: PoptArguments) throws {
    for given in arguments.given where given.option == Self.password.name {
      ThisProcess.hide([0..<given.value.count], ofLast: given.value.count, inArgument: given.position + 1)
    }
    for given in arguments.given where given.option == Self.url.name {
      let ranges = BrokerURL.passwordRanges(in: String(decoding: given.value, as: UTF8.self))
      ThisProcess.hide(ranges, ofLast: given.value.count, inArgument: given.position + 1)
    }
    if arguments.contains(Self.url) {
      let others: [any PoptTableEntry] = [
        Self.server, Self.port, Self.vhost, Self.username, Self.password, Self.authFile,
      ]
      for other in others where arguments.contains(other) {
        throw UsageError("\(other) and \(Self.url) options cannot be used at the same time")
      }
    }
    var broker = try Self.server(arguments)
    try Self.logIn(arguments, to: &broker)
    if let vhost = try arguments.text(Self.vhost) { broker.vhost = vhost }
    guard let heartbeat = UInt16(exactly: arguments[Self.heartbeat] ?? 0) else {
      throw UsageError("\(Self.heartbeat) must be a positive value, and at most 65535")
    }
    self.heartbeat = heartbeat
    access = BrokerAccess([broker], tls: try Self.tls(arguments, isWanted: broker.isSecure))
    self.broker = broker
  }

  // MARK: The broker

  private static func server(_ arguments: PoptArguments) throws -> BrokerURL {
    if let url = try arguments.text(url) { return try broker(at: url, isTLSWanted: arguments[ssl]) }
    var broker = BrokerURL(host: try arguments.text(server) ?? "localhost")
    broker.isSecure = arguments[ssl]
    if broker.isSecure { broker.port = BrokerURL.defaultSecurePort }
    if let port = arguments[port] { broker.port = try checked(port) }
    guard let colon = broker.host.firstIndex(of: ":") else { return broker }
    ThisProcess.writeToStandardError("Specifying the port number with \(server) is deprecated\n")
    guard !arguments.contains(port) else {
      throw UsageError("both \(server) and \(Self.port) options specify server port")
    }
    guard let port = Int32(broker.host[colon...].dropFirst()), (1...65535).contains(port) else {
      let host = broker.host.lastIndex(of: "@").map { "***\(broker.host[$0...])" } ?? broker.host
      throw UsageError("bad server port number in '\(host)'")
    }
    broker.port = try checked(port)
    broker.host = String(broker.host[..<colon])
    return broker
  }

  private static func broker(at url: String, isTLSWanted: Bool) throws -> BrokerURL {
    let broker: BrokerURL
    do {
      broker = try BrokerURL(parsing: url, defaultHost: "localhost")
    } catch {
      throw UsageError("Parsing URL: \(error)")
    }
    guard broker.parameters.isEmpty else { throw UsageError("Parsing URL: it has a ?query, which is not read") }
    guard broker.isSecure || !isTLSWanted else {
      throw UsageError("the \(ssl) option specifies an SSL connection but the \(Self.url) option does not")
    }
    return broker
  }

  private static func checked(_ port: Int32) throws -> UInt16 {
    guard let number = UInt16(exactly: port), number > 0 else { throw UsageError("\(Self.port) is from 1 to 65535") }
    return number
  }

  // MARK: The credentials

  private static func logIn(_ arguments: PoptArguments, to broker: inout BrokerURL) throws {
    if let path = try arguments.text(authFile) {
      for other in [username, password] where arguments.contains(other) {
        throw UsageError("\(other) and \(authFile) options cannot be used at the same time")
      }
      let login = try AuthFile(path: path)
      (broker.username, broker.password) = (login.username, login.password)
    }
    if let username = try arguments.text(username) { broker.username = username }
    if let password = try arguments.text(password) { broker.password = password }
  }

  private static func tls(_ arguments: PoptArguments, isWanted: Bool) throws -> TLSContext? {
    var configuration = TLSConfiguration()
    configuration.authorities = try arguments.text(authorities)
    configuration.certificate = try arguments.text(certificate)
    configuration.key = try arguments.text(key)
    configuration.options = .init(
      authorities: "\(authorities)", certificate: "\(certificate)", key: "\(key)", serverName: nil)
    guard isWanted else {
      for option in [authorities, certificate, key] where arguments.contains(option) {
        throw UsageError("\(option) is for TLS, and there is none without \(ssl) or a URL of amqps://")
      }
      return nil
    }
    do { return try TLSContext(configuration) } catch { throw UsageError("\(error)") }
  }
}
