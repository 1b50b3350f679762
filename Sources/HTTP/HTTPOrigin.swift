/// A server and a path on it: `http://host:port/path`, or https. There is no user or password.
package struct HTTPOrigin: Hashable, Sendable, CustomStringConvertible {
  /// Why a text is no such URL. It repeats nothing of the text, which may have a password in it.
  package struct FormError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
  }

  package enum Scheme: String, CaseIterable, Hashable, Sendable {
    case http, https

    var port: UInt16 { self == .http ? 80 : 443 }
  }

  package var scheme: Scheme
  package var host: String
  package var port: UInt16
  /// It is empty, or begins with a slash and ends without one.
  package var path: String

  package init(parsing text: String) throws(FormError) {
    guard let scheme = Scheme.allCases.first(where: { text.lowercased().hasPrefix("\($0)://") }) else {
      throw FormError(description: "it begins with neither http:// nor https://")
    }
    self.scheme = scheme
    let rest = text.dropFirst("\(scheme)://".count)
    let authority = rest.prefix { !"/?#".contains($0) }
    let path = rest.dropFirst(authority.count)
    guard !authority.contains("@") else { throw FormError(description: "a user or password is not supported") }
    guard !path.contains(where: { "?#".contains($0) }) else {
      throw FormError(description: "a query or fragment is not supported")
    }
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw FormError(description: "its path has characters that must be percent-encoded")
    }
    self.path = String(path.reversed().drop { $0 == "/" }.reversed())
    (host, port) = try Self.hostAndPort(authority, scheme)
  }

  private static func hostAndPort(_ authority: Substring, _ scheme: Scheme) throws(FormError) -> (String, UInt16) {
    var host = authority
    var port = scheme.port
    let isBracketed = authority.first == "["
    if let colon = authority.lastIndex(of: ":"), !isBracketed || authority[..<colon].last == "]" {
      guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
        throw FormError(description: "its port is no number from 1 to 65535")
      }
      (host, port) = (authority[..<colon], number)
    }
    if isBracketed {
      guard host.last == "]" else { throw FormError(description: "its address has no ]") }
      host = host.dropFirst().dropLast()
    }
    let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/\\[]<>\"".utf8.contains($0) }
    guard !host.isEmpty, isPlain, isBracketed || !host.contains(":") else {
      throw FormError(description: "its host is no name or address")
    }
    return (String(host), port)
  }

  /// The host and the port, as a `Host` header has them.
  package var authority: String {
    let host = host.contains(":") ? "[\(host)]" : host
    return port == scheme.port ? host : "\(host):\(port)"
  }

  package var description: String { "\(scheme)://\(authority)\(path)" }

  /// Any bytes as one segment of a path (RFC 3986, 3.3). A segment of dots only would be taken for a place in the hierarchy.
  package static func segment(_ bytes: some Collection<UInt8>) -> String {
    let areDots = bytes.allSatisfy { $0 == UInt8(ascii: ".") }
    var text = ""
    text.reserveCapacity(bytes.count)
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: ".") where !areDots: text.append(".")
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return text
  }
}
