import AMQP
import TestSupport
import Testing

@Suite struct BrokerURLProperties {
  private static let secret = "Sup3rSecret"

  /// A text that resembles a URL, whose password contains `secret`.
  private func text(_ random: inout Random) -> String {
    let userinfo = "\(random.text(upTo: 5)):\(random.text(upTo: 3))\(Self.secret)\(random.text(upTo: 3))@"
    let host = random.one(of: ["h", "example.org", "[::1]", "127.0.0.1", "", random.text(upTo: 8)])
    let rest = random.one(of: [
      "", "/", ":5672", ":1/v", "/%2F", ":\(random.integer() as UInt32)/", random.text(upTo: 8),
      "?heartbeat=5", "//?a=%20&b&=c",
    ])
    return random.one(of: ["amqp", "amqps", "AMQP"]) + "://" + userinfo + host + rest
  }

  private func random(_ random: inout Random) -> String {
    let text = text(&random)
    return random.chance(1, in: 2) ? text : random.damaged(text)
  }

  private func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  @Test("A URL that is read means the same when it is written and read again") func urlRoundTrip() {
    property("URLs, written and read again") { random in
      guard let url = try? BrokerURL(parsing: self.random(&random)) else { return }
      let text =
        "\(url.isSecure ? "amqps" : "amqp")://\(escaped(url.username)):\(escaped(url.password))@"
        + "\(escaped(url.host)):\(url.port)/\(escaped(url.vhost))?"
        + url.parameters.map { escaped($0.name) + ($0.value.map { "=" + self.escaped($0) } ?? "") }.joined(
          separator: "&")
      let again = try BrokerURL(parsing: text)
      try expect(again == url, "\(text) is \(again), not \(url)")
    }
  }

  @Test("Passwords are never shown") func passwords() {
    property("URLs, what is shown of them") { random in
      let text = self.random(&random)
      do {
        let urls = try BrokerURL.list(parsing: text)
        let shown = urls.map { "\($0) \($0.username) \($0.vhost)" }.joined()
        // After damage, the secret may be in another part of the URL, which may be shown.
        guard isPassword(in: text) else { return }
        try expect(!shown.contains(Self.secret), "\(text) is shown as \(shown)")
        var bytes = Array(text.utf8)
        for range in BrokerURL.passwordRanges(in: text) { bytes.replaceSubrange(range, with: range.map { _ in 42 }) }
        try expect(!String(decoding: bytes, as: UTF8.self).contains(Self.secret), "\(text) is not overwritten")
      } catch let error as BrokerURL.ParseError {
        guard isPassword(in: text) else { return }
        try expect(!error.description.contains(Self.secret.lowercased()), "\(text): \(error)")
        try expect(!error.description.contains(Self.secret), "\(text): \(error)")
      }
    }
  }

  /// Whether a reader takes the secret for a password. It is then between a `:` and an `@`, and the `:` follows the last
  /// `://` before it.
  private func isPassword(in text: String) -> Bool {
    let bytes = Array(text.utf8)
    let secret = Array(Self.secret.utf8)
    let separator = Array("://".utf8)
    guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: secret) }),
      let scheme = bytes[..<start].indices.last(where: { bytes[$0..<start].starts(with: separator) })
    else { return false }
    let rest = bytes[start...]
    let end = rest.indices.first { bytes[$0...].starts(with: separator) } ?? rest.endIndex
    return bytes[(scheme + 3)..<start].contains(UInt8(ascii: ":")) && rest[..<end].contains(UInt8(ascii: "@"))
  }
}
