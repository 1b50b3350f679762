/// Why there is no TLS connection with a peer. Each text is one line that also tells the user what to do.
package enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A setting cannot be used.
  case setting(String)
  /// The client does not trust the server, or the server does not trust the client. Retrying does not help.
  case untrusted(String)
  /// The protocol failed.
  case failed(String)

  package var description: String {
    switch self {
    case .setting(let text), .untrusted(let text), .failed(let text): text
    }
  }
}
