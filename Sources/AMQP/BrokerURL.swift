/// Where a broker is and how to log in, read from an `amqp://` or `amqps://` URL
/// (<https://www.rabbitmq.com/docs/uri-spec>). Its printed form never shows the password.
package struct BrokerURL: Hashable, Sendable, CustomStringConvertible {
  package static let defaultPort: UInt16 = 5672
  package static let defaultSecurePort: UInt16 = 5671

  package var host: String
  package var port: UInt16
  package var username: String
  package var password: String
  package var vhost: String
  /// By TLS, and never without.
  package var isSecure = false
  package var mechanism = Mechanism.plain
  /// What follows its `?`, decoded: how to connect. What these mean is not said here.
  package var parameters: [Parameter] = []

  /// `name=value`; without `=` the value is nil.
  package struct Parameter: Hashable, Sendable {
    package var name: String
    package var value: String?

    package init(_ name: String, _ value: String?) {
      self.name = name
      self.value = value
    }
  }

  /// How to log in (SASL).
  package enum Mechanism: String, Hashable, Sendable, CaseIterable {
    /// By user name and password.
    case plain
    /// As whom the client's certificate names; user name and password are not sent.
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

  /// Host and port, as error messages name a broker.
  package var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Why a URL cannot be used. Its text never repeats the URL, which may hold a password.
  package struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
  }

  /// Reads one URL. A missing path, or `/` alone, means the vhost `/`, as nearly every client has it, and so does `//`, as
  /// Celery writes it: all behind the first `/` is the vhost's name, which may begin with another one. `defaultHost` is the
  /// host of a URL that names none.
  /// - Throws: `ParseError`
  package init(parsing text: String, defaultHost: String = "") throws(ParseError) {
    // Not by characters: a mark behind a ':' or '@' would make one of both, and a part of a password something else.
    let text = text.unicodeScalars
    guard let schemeEnd = text.firstIndex(of: ":"), text[schemeEnd...].starts(with: "://".unicodeScalars) else {
      throw ParseError("it does not begin with amqp://")
    }
    let scheme = String(text[..<schemeEnd]).lowercased()
    guard ["amqp", "amqps", "pyamqp"].contains(scheme) else {
      throw ParseError("its scheme is \(scheme)://, not amqp:// or amqps://")
    }
    var rest = text[schemeEnd...].dropFirst(3)
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
      throw ParseError("its vhost holds a '/', which is written %2F there")
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
        throw ParseError("something other than a port follows its ']'")
      }
      if !rest.isEmpty { portText = rest.dropFirst() }
    } else if let colon = authority.firstIndex(of: ":") {
      host = try percentDecoded(authority[..<colon], part: "host")
      portText = authority[colon...].dropFirst()
    } else {
      host = try percentDecoded(authority, part: "host")
    }
    if host.isEmpty { host = defaultHost }
    guard !host.isEmpty else { throw ParseError("it names no host") }
    guard host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw ParseError("its host holds a space or a control character")
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
        "its \(part) has a '%' that two hexadecimal digits do not follow; a '%' itself is written %25")
    }
    bytes.append(UInt8(digits[0] << 4 | digits[1]))
    rest = rest.dropFirst(2)
  }
  guard let decoded = String(validating: bytes, as: UTF8.self), !decoded.utf8.contains(0) else {
    throw BrokerURL.ParseError("its \(part) is not text")
  }
  return decoded
}
