/// Where to listen for TCP connections, written `HOST:PORT`. An empty host stands for every address of this machine.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  package var host: String
  package var port: UInt16

  package init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }

  /// Reads `127.0.0.1:4040`, `localhost:4040`, `[::1]:4040` or `:4040`. nil for anything else.
  package init?(parsing text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.first == "[" {
      guard host.last == "]", host.count > 2 else { return nil }
      host = host.dropFirst().dropLast()
    } else if host.contains(where: { $0 == ":" || $0 == "/" || $0 == "@" }) {
      return nil
    }
    self.init(host: String(host), port: port)
  }

  /// Only the same host, or the same pod, reaches it.
  package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
