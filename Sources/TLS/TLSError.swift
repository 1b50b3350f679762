/// Why there is no TLS with a peer, in one line that says what to do.
package enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A setting cannot be used.
  case setting(String)
  /// The peer is not whom it should be, or does not take us: will not pass.
  case untrusted(String)
  /// The protocol failed.
  case failed(String)

  package var description: String {
    switch self {
    case .setting(let text), .untrusted(let text), .failed(let text): text
    }
  }
}
