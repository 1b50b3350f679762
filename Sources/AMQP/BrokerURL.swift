/// The address of a broker and how to log in there, read from an `amqp://` or `amqps://` URL
/// (<https://www.rabbitmq.com/docs/uri-spec>). Its description never shows the password.
package struct BrokerURL: Hashable, Sendable, CustomStringConvertible {
  package static let defaultPort: UInt16 = 5672
  package static let defaultSecurePort: UInt16 = 5671

  package var host: String
  package var port: UInt16
  package var username: String
  package var password: String
  package var vhost: String
  /// Whether the connection must use TLS.
  package var isSecure = false
  package var mechanism = Mechanism.plain
  /// The query parameters, percent-decoded. The caller interprets them.
  package var parameters: [Parameter] = []

  /// A query parameter, `name=value`. The value is nil if there is no `=`.
  package struct Parameter: Hashable, Sendable {
    package var name: String
    package var value: String?

    package init(_ name: String, _ value: String?) {
      self.name = name
      self.value = value
    }
  }

  /// The SASL mechanism of the login.
  package enum Mechanism: String, Hashable, Sendable, CaseIterable {
    /// The login uses the user name and the password.
    case plain
    /// The client certificate names the user. The user name and the password are not sent.
    case external

    var name: String { rawValue.uppercased() }
  }

  package init(
    host: String, port: UInt16 = BrokerURL.defaultPort, username: String = "guest",
    password: String = "guest", vhost: String = "/"
  ) {
    self.host = host
    self.port = port
    self.username = username
    self.password = password
    self.vhost = vhost
  }

  /// The host and the port, which is how error messages name a broker.
  package var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Why a URL cannot be used. The text never quotes the URL, which may contain a password.
  package struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
  }

  /// Reads one URL. The vhost is everything after the first `/` that follows the host, and may itself begin with a `/`. An
  /// empty or missing vhost means the vhost `/`, as in nearly every client; so `//`, which Celery writes, means the same.
  /// `defaultHost` is the host of a URL that does not name one.
  package init(parsing text: String, defaultHost: String = "") throws(ParseError) {
    // As Characters, a ':' or '@' and a combining mark after it would be one Character, and would not be found.
    let text = text.unicodeScalars
    let (scheme, afterScheme) = try Self.splitScheme(text)
    var rest = afterScheme
    try Self.checkUserInfo(rest)
    guard !rest.contains("#") else { throw ParseError("it has a #fragment; a '#' is written %23") }
    var query: Substring.UnicodeScalarView?
    if let mark = rest.firstIndex(of: "?") {
      query = rest[mark...].dropFirst()
      rest = rest[..<mark]
    }

    var path: Substring.UnicodeScalarView?
    if let slash = rest.firstIndex(of: "/") {
      path = rest[slash...].dropFirst()
      rest = rest[..<slash]
    }
    guard path?.dropFirst().contains("/") != true else {
      throw ParseError("its vhost contains a '/', which is written %2F there")
    }

    self.init(host: "")
    isSecure = scheme == "amqps"
    if isSecure { port = Self.defaultSecurePort }
    if let at = rest.lastIndex(of: "@") {
      let user = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      username = try percentDecoded(user[0], part: "user name")
      if user.count == 2 { password = try percentDecoded(user[1], part: "password") }
      rest = rest[at...].dropFirst()
    }
    if let path, !path.isEmpty { vhost = try percentDecoded(path, part: "vhost") }
    try parseAuthority(rest, defaultHost: defaultHost)
    for part in query?.split(separator: "&") ?? [] { parameters.append(try Self.parameter(part)) }
  }

  private static func splitScheme(
    _ text: String.UnicodeScalarView
  ) throws(ParseError) -> (scheme: String, rest: Substring.UnicodeScalarView) {
    guard let end = text.firstIndex(of: ":"), text[end...].starts(with: "://".unicodeScalars) else {
      throw ParseError("it does not begin with amqp://")
    }
    let scheme = String(text[..<end]).lowercased()
    guard ["amqp", "amqps", "pyamqp"].contains(scheme) else {
      throw ParseError("its scheme is \(scheme)://, not amqp:// or amqps://")
    }
    return (scheme, text[end...].dropFirst(3))
  }

  private static func parameter(_ text: Substring.UnicodeScalarView) throws(ParseError) -> Parameter {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = try percentDecoded(parts[0], part: "query")
    return Parameter(name, parts.count == 2 ? try percentDecoded(parts[1], part: "query") : nil)
  }

  private mutating func parseAuthority(_ authority: Substring.UnicodeScalarView, defaultHost: String) throws(ParseError)
  {
    var portText: Substring.UnicodeScalarView?
    if authority.first == "[" {
      guard let bracket = authority.firstIndex(of: "]") else {
        throw ParseError("its IPv6 address has no closing ']'")
      }
      host = String(authority[..<bracket].dropFirst())
      let rest = authority[bracket...].dropFirst()
      guard rest.isEmpty || rest.first == ":" else {
        throw ParseError("its ']' is followed by something other than a port")
      }
      if !rest.isEmpty { portText = rest.dropFirst() }
    } else if let colon = authority.firstIndex(of: ":") {
      host = try percentDecoded(authority[..<colon], part: "host")
      portText = authority[colon...].dropFirst()
    } else {
      host = try percentDecoded(authority, part: "host")
    }
    if host.isEmpty { host = defaultHost }
    guard !host.isEmpty else { throw ParseError("it does not name a host") }
    guard host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw ParseError("its host contains a space or a control character")
    }
    if let portText, !portText.isEmpty {
      guard let number = UInt16(String(portText)), number > 0 else {
        throw ParseError("its port is not a number from 1 to 65535")
      }
      port = number
    }
  }
}

private func percentDecoded(
  _ text: Substring.UnicodeScalarView, part: String
) throws(BrokerURL.ParseError) -> String {
  var bytes: [UInt8] = []
  var rest = Substring(text).utf8
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 2 else {
      throw BrokerURL.ParseError(
        "its \(part) has a '%' without two hexadecimal digits after it; a '%' itself is written %25")
    }
    bytes.append(UInt8(digits[0] << 4 | digits[1]))
    rest = rest.dropFirst(2)
  }
  guard let decoded = String(validating: bytes, as: UTF8.self), !decoded.utf8.contains(0) else {
    throw BrokerURL.ParseError("its \(part) is not text in UTF-8")
  }
  return decoded
}
