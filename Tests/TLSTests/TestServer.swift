import COpenSSL
import TLS

/// The server's side of a TLS connection, without any I/O.
final class TestServer {
  private let context: OpaquePointer
  private let ssl: OpaquePointer
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer

  /// If `clientAuthority` is not nil, the server requires a client certificate that this authority has signed.
  init(_ certificate: TestCertificate, clientAuthority: TestCertificate? = nil) {
    guard copenssl_start() == 1, let context = SSL_CTX_new(TLS_server_method()), let ssl = SSL_new(context),
      let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem())
    else { fatalError("out of memory") }
    (self.context, self.ssl, self.incoming, self.outgoing) = (context, ssl, incoming, outgoing)
    SSL_use_certificate(ssl, certificate.certificate)
    SSL_use_PrivateKey(ssl, certificate.key)
    if let clientAuthority {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), clientAuthority.certificate)
      SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }
    SSL_set_bio(ssl, incoming, outgoing)
    SSL_set_accept_state(ssl)
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Takes the client's ciphertext, and returns the plaintext in it.
  func receive(_ ciphertext: [UInt8]) -> [UInt8] {
    BIO_write(incoming, ciphertext, Int32(ciphertext.count))
    var plaintext: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = SSL_read(ssl, &buffer, Int32(buffer.count))
      guard count > 0 else { break }
      plaintext += buffer[..<Int(count)]
    }
    // Errors of the server must not be taken for errors of the client, which uses the same thread.
    ERR_clear_error()
    return plaintext
  }

  func send(_ plaintext: [UInt8]) { SSL_write(ssl, plaintext, Int32(plaintext.count)) }

  /// Whether the client has sent close_notify.
  var isClosedByClient: Bool { SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

  /// Removes and returns the ciphertext for the client.
  func takeCiphertext() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(outgoing))
    BIO_read(outgoing, &bytes, Int32(bytes.count))
    return bytes
  }

  /// Exchanges ciphertext with the client until neither side has anything to send. Returns the plaintext that each side has
  /// received.
  @discardableResult
  func exchange(with client: TLSSession) throws -> (client: [UInt8], server: [UInt8]) {
    var received: (client: [UInt8], server: [UInt8]) = ([], [])
    while true {
      let toServer = client.ciphertext
      client.ciphertext = []
      if !toServer.isEmpty { received.server += receive(toServer) }
      let toClient = takeCiphertext()
      if !toClient.isEmpty { received.client += try client.receive(toClient[...]) }
      if toServer.isEmpty && toClient.isEmpty { return received }
    }
  }
}
