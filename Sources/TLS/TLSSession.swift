internal import COpenSSL

/// The client's side of a TLS connection, without any I/O. The caller passes received ciphertext to `receive`, which
/// returns the plaintext, and sends the bytes that collect in `ciphertext`.
package final class TLSSession {
  /// The bytes to send to the peer, in order. The caller removes what it has sent.
  package var ciphertext: [UInt8] = []
  private let connection: TLSConnection
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer
  private var buffer = [UInt8](repeating: 0, count: 16_384)

  /// Begins the handshake.
  package init(_ context: TLSContext, host: String) throws(TLSError) {
    connection = try TLSConnection(context, host: host)
    guard let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
      throw TLSError.failed("not enough memory for TLS")
    }
    (self.incoming, self.outgoing) = (incoming, outgoing)
    SSL_set_bio(ssl, incoming, outgoing)
    try continueHandshake()
  }

  /// Whether the handshake is complete. The server's certificate is then verified, and plaintext can be sent.
  package var isEstablished: Bool { connection.isEstablished }

  private var ssl: OpaquePointer { connection.ssl }

  /// Takes ciphertext from the peer, and returns the plaintext in it. After an error `ciphertext` may still be sent; it can
  /// contain an alert for the peer.
  package func receive(_ bytes: ArraySlice<UInt8>) throws(TLSError) -> [UInt8] {
    let taken = bytes.withUnsafeBytes { BIO_write(incoming, $0.baseAddress, Int32($0.count)) }
    guard taken == bytes.count else { throw TLSError.failed("not enough memory for TLS") }
    if !isEstablished { try continueHandshake() }
    guard isEstablished else { return [] }
    defer { collect() }
    var plaintext: [UInt8] = []
    while true {
      ERR_clear_error()
      let count = buffer.withUnsafeMutableBytes { SSL_read(ssl, $0.baseAddress, Int32($0.count)) }
      if count > 0 {
        plaintext += buffer[..<Int(count)]
        continue
      }
      switch SSL_get_error(ssl, count) {
      // After close_notify (SSL_ERROR_ZERO_RETURN) the socket reports the end of the stream as well.
      case SSL_ERROR_WANT_READ, SSL_ERROR_ZERO_RETURN: return plaintext
      default: throw failure()
      }
    }
  }

  /// Encrypts plaintext and appends it to `ciphertext`.
  package func send(_ bytes: ArraySlice<UInt8>) throws(TLSError) {
    ERR_clear_error()
    let count = bytes.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) }
    guard count == bytes.count else { throw failure() }
    collect()
  }

  /// Appends the alert close_notify to `ciphertext`. Nothing can be sent after it.
  package func close() {
    guard isEstablished else { return }
    ERR_clear_error()
    SSL_shutdown(ssl)
    collect()
  }

  private func continueHandshake() throws(TLSError) {
    defer { collect() }
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    guard result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ else { throw failure() }
  }

  private func collect() {
    while BIO_ctrl_pending(outgoing) > 0 {
      let count = buffer.withUnsafeMutableBytes { BIO_read(outgoing, $0.baseAddress, Int32($0.count)) }
      guard count > 0 else { return }
      ciphertext += buffer[..<Int(count)]
    }
  }

  private func failure() -> TLSError { connection.failure(ERR_peek_error()) }
}
