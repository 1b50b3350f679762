import AMQP
import Arguments
import Broker
import Console
import Linux
import TLS

/// The options of all programs of amqp-tools that say which broker to use and how. The environment is not read.
struct ConnectionOptions {
  static let group = PoptGroup(
    "Connection options",
    [
      PoptOption("url", short: "u", .text("amqp://..."), "the AMQP URL to connect to"),
      PoptOption("server", short: "s", .text("hostname"), "the AMQP server to connect to"),
      PoptOption("port", .number("port"), "the port to connect on"),
      PoptOption("vhost", .text("vhost"), "the vhost to use when connecting"),
      PoptOption("username", .text("username"), "the username to login with"),
      PoptOption("password", .text("password"), "the password to login with"),
      PoptOption("heartbeat", .number("heartbeat"), "heartbeat interval, set to 0 to disable"),
      PoptOption("authfile", .text("file"), "path to file containing username/password for authentication"),
      PoptOption("ssl", .flag, "connect over SSL/TLS"),
      PoptOption("cacert", .text("cacert.pem"), "path to the CA certificate file"),
      PoptOption("key", .text("key.pem"), "path to the client private key file"),
      PoptOption("cert", .text("cert.pem"), "path to the client certificate file"),
    ])

  /// How these options differ from those of the original programs.
  static let differences = [
    "--ssl, and a URL of amqps://, mean TLS that verifies the broker's certificate and its name, against --cacert or, "
      + "without it, the system's authorities; an IP address may be in the certificate, too. --ssl with --server means port "
      + "5671; the original refuses it. --ssl with a URL of amqp:// is refused; the original goes on in plain text. So are "
      + "--cacert, --cert and --key without TLS, and where they name a file that is none, and --cert without --key where its "
      + "file does not hold the key.",
    "A password in the arguments is overwritten as soon as it has been read, and no error repeats it. A URL with an empty "
      + "path means the vhost /. --port is from 1 to 65535, and --heartbeat from 0 to 65535.",
    "The broker has 10 s to let us in. Of an unknown option an error does not repeat what follows =.",
  ]

  static let environment = [
    Explained("SSL_CERT_FILE, SSL_CERT_DIR", "Whom to trust with TLS, where --cacert is not given.")
  ]

  let broker: BrokerURL
  /// Seconds; 0 for none.
  let heartbeat: UInt16
  /// The credentials stay the same for the whole run.
  let access: BrokerAccess

  /// Overwrites passwords in the arguments, which `/proc` shows to other processes.
  /// - Throws: `Failure`
  init(_ arguments: PoptArguments) throws {
    for given in arguments.given where given.option == "password" {
      ThisProcess.hide([0..<given.value.count], ofLast: given.value.count, inArgument: given.position + 1)
    }
    for given in arguments.given where given.option == "url" {
      let ranges = BrokerURL.passwordRanges(in: String(decoding: given.value, as: UTF8.self))
      ThisProcess.hide(ranges, ofLast: given.value.count, inArgument: given.position + 1)
    }
    if arguments.contains("url") {
      for other in ["server", "port", "vhost", "username", "password", "authfile"] where arguments.contains(other) {
        throw Failure(.usage, "--\(other) and --url options cannot be used at the same time")
      }
    }
    var broker = try Self.server(arguments)
    try Self.logIn(arguments, to: &broker)
    if let vhost = try arguments.text("vhost") { broker.vhost = vhost }
    guard let heartbeat = UInt16(exactly: arguments.number("heartbeat") ?? 0) else {
      throw Failure(.usage, "--heartbeat must be a positive value, and at most 65535")
    }
    self.heartbeat = heartbeat
    access = BrokerAccess([broker], tls: try Self.tls(arguments, isWanted: broker.isSecure))
    self.broker = broker
  }

  // MARK: The broker

  private static func server(_ arguments: PoptArguments) throws -> BrokerURL {
    if let url = try arguments.text("url") { return try broker(at: url, isTLSWanted: arguments.contains("ssl")) }
    var broker = BrokerURL(host: try arguments.text("server") ?? "localhost")
    broker.isSecure = arguments.contains("ssl")
    if broker.isSecure { broker.port = BrokerURL.defaultSecurePort }
    if let port = arguments.number("port") { broker.port = try checked(port) }
    guard let colon = broker.host.firstIndex(of: ":") else { return broker }
    ThisProcess.writeToStandardError("Specifying the port number with --server is deprecated\n")
    guard !arguments.contains("port") else {
      throw Failure(.usage, "both --server and --port options specify server port")
    }
    guard let port = Int32(broker.host[colon...].dropFirst()), (1...65535).contains(port) else {
      let host = broker.host.lastIndex(of: "@").map { "***\(broker.host[$0...])" } ?? broker.host
      throw Failure(.usage, "bad server port number in '\(host)'")
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
      throw Failure(.usage, "Parsing URL: \(error)")
    }
    guard broker.parameters.isEmpty else { throw Failure(.usage, "Parsing URL: it has a ?query, which is not read") }
    guard broker.isSecure || !isTLSWanted else {
      throw Failure(.usage, "the --ssl option specifies an SSL connection but the --url option does not")
    }
    return broker
  }

  private static func checked(_ port: Int32) throws -> UInt16 {
    guard let number = UInt16(exactly: port), number > 0 else { throw Failure(.usage, "--port is from 1 to 65535") }
    return number
  }

  // MARK: The credentials

  private static func logIn(_ arguments: PoptArguments, to broker: inout BrokerURL) throws {
    if let path = try arguments.text("authfile") {
      for other in ["username", "password"] where arguments.contains(other) {
        throw Failure(.usage, "--\(other) and --authfile options cannot be used at the same time")
      }
      let login = try AuthFile(path: path)
      (broker.username, broker.password) = (login.username, login.password)
    }
    if let username = try arguments.text("username") { broker.username = username }
    if let password = try arguments.text("password") { broker.password = password }
  }

  private static func tls(_ arguments: PoptArguments, isWanted: Bool) throws -> TLSContext? {
    var configuration = TLSConfiguration()
    configuration.authorities = try arguments.text("cacert")
    configuration.certificate = try arguments.text("cert")
    configuration.key = try arguments.text("key")
    configuration.options = .init(authorities: "--cacert", certificate: "--cert", key: "--key", serverName: nil)
    guard isWanted else {
      for option in ["cacert", "cert", "key"] where arguments.contains(option) {
        throw Failure(.usage, "--\(option) is for TLS, and there is none without --ssl or a URL of amqps://")
      }
      return nil
    }
    do { return try TLSContext(configuration) } catch { throw Failure(.usage, "\(error)") }
  }
}
