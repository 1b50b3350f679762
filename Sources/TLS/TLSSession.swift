internal import COpenSSL
internal import Glibc

/// The client's side of one TLS connection, without any I/O: ciphertext that came in is given to `receive`, which
/// returns all plaintext that it completes, and `ciphertext` collects what is to be sent.
package final class TLSSession {
  /// Bytes for the peer, in order; whoever writes them removes them.
  package var ciphertext: [UInt8] = []
  /// The handshake is over: the peer is whom it should be, and plaintext can be sent.
  package private(set) var isEstablished = false

  private let ssl: OpaquePointer
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer
  private let name: String
  private let context: TLSContext
  /// Why the peer's certificate does not pass.
  private var flaw: String?
  private var buffer = [UInt8](repeating: 0, count: 16_384)

  /// Begins the handshake.
  /// - Throws: `TLSError`
  package init(_ context: TLSContext, host: String) throws {
    guard let ssl = SSL_new(context.context), let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem())
    else { throw TLSError.failed("no memory for TLS") }
    (self.context, self.ssl, self.incoming, self.outgoing) = (context, ssl, incoming, outgoing)
    let full = context.configuration.serverName ?? host
    // The dot that ends an absolute name is none of the name's in TLS (RFC 6066, 3) nor in certificates.
    name = full.hasSuffix(".") ? String(full.dropLast()) : full
    SSL_set_bio(ssl, incoming, outgoing)
    SSL_set_connect_state(ssl)
    SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    try expect(name)
    try shakeHands()
  }

  deinit { SSL_free(ssl) }

  private func expect(_ name: String) throws {
    var address = in6_addr()
    let isAddress = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
    let isSet: Bool
    if isAddress {
      isSet = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
    } else {
      SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
      isSet = copenssl_set_server_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1
    }
    guard isSet else { throw TLSError.failed("'\(name)' is no name that a certificate can be for") }
  }

  /// Takes what came from the peer, and returns the plaintext in it.
  /// - Throws: `TLSError`; what `ciphertext` holds may still be sent then.
  package func receive(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    let taken = bytes.withUnsafeBytes { BIO_write(incoming, $0.baseAddress, Int32($0.count)) }
    guard taken == bytes.count else { throw TLSError.failed("no memory for TLS") }
    if !isEstablished { try shakeHands() }
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
      // The end of what the peer has to say is shown by the socket, too.
      case SSL_ERROR_WANT_READ, SSL_ERROR_ZERO_RETURN: return plaintext
      default: throw failure()
      }
    }
  }

  /// Encrypts.
  /// - Throws: `TLSError`
  package func send(_ bytes: ArraySlice<UInt8>) throws {
    ERR_clear_error()
    let count = bytes.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) }
    guard count == bytes.count else { throw failure() }
    collect()
  }

  /// Encrypts the end of what we have to say (close_notify); nothing can be sent after it.
  package func close() {
    guard isEstablished else { return }
    ERR_clear_error()
    SSL_shutdown(ssl)
    collect()
  }

  private func shakeHands() throws {
    defer { collect() }
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 {
      isEstablished = true
    } else if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ {
      throw failure()
    }
  }

  private func collect() {
    while BIO_ctrl_pending(outgoing) > 0 {
      let count = buffer.withUnsafeMutableBytes { BIO_read(outgoing, $0.baseAddress, Int32($0.count)) }
      guard count > 0 else { return }
      ciphertext += buffer[..<Int(count)]
    }
  }

  // MARK: Errors

  private var options: TLSConfiguration.Options { context.configuration.options }

  private func failure() -> TLSError {
    let reason = Int32(ERR_peek_error() & 0x7F_FFFF)
    let words = ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? "the TLS session broke"
    switch reason {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return .untrusted(flaw ?? "its certificate cannot be trusted")
    case SSL_R_WRONG_VERSION_NUMBER: return .failed("it does not speak TLS on this port; use its port for amqps")
    // The peer's alerts (RFC 8446, 6.2).
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return .untrusted("it requires a certificate of ours; use \(options.certificate) and \(options.key)")
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
      SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return .untrusted("it does not accept our certificate (\(words)); use \(options.certificate) and \(options.key)")
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE where context.configuration.certificate == nil:
      return .untrusted(
        "it refused the TLS handshake, perhaps for want of a certificate of ours (\(options.certificate))")
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_UNSUPPORTED_PROTOCOL:
      return .failed("it speaks neither TLS 1.2 nor 1.3 (\(words))")
    default: return .failed("TLS: \(words)")
    }
  }

  /// For SSL_set_verify(3): called with each certificate of the peer's chain, notes what is wrong with one, and lets it not pass.
  static let verification: SSL_verify_cb = { passes, store in
    guard passes == 0, let store, let certificate = X509_STORE_CTX_get_current_cert(store),
      let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let session = SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return passes }
    Unmanaged<TLSSession>.fromOpaque(session).takeUnretainedValue()
      .distrust(PeerCertificate(certificate: certificate), for: X509_STORE_CTX_get_error(store))
    return 0
  }

  private func distrust(_ certificate: PeerCertificate, for error: Int32) {
    flaw = flaw(of: certificate, error)
  }

  private func flaw(of certificate: PeerCertificate, _ error: Int32) -> String {
    switch error {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: return mismatch(certificate.names)
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate expired\(certificate.end.map { " on \($0)" } ?? "")"
    case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its certificate is not signed by an authority that is trusted here; use \(options.authorities)"
    default: return "its certificate cannot be trusted: \(String(cString: X509_verify_cert_error_string(Int(error))))"
    }
  }

  /// Why the peer is not whom it should be, its certificate being for `names`.
  private func mismatch(_ names: [PeerCertificate.Name]) -> String {
    guard !names.isEmpty else {
      return "its certificate is not for '\(name)', nor for any host: it has no subjectAltName with one, "
        + "and a common name does not count"
    }
    let others = names.filter { $0 != .host(name) }
    // An address counts only as one (RFC 9525, 6.4).
    let kind = others.count < names.count ? ", which it has as a DNS name and not as an IP address," : ""
    guard !others.isEmpty else {
      return "its certificate is not for '\(name)'\(kind) and for nothing else; it has to name the address as one "
        + "(subjectAltName IP:\(name))"
    }
    let shown = others.prefix(Self.mostNames).map { "'\($0)'" } + (others.count > Self.mostNames ? ["..."] : [])
    return "its certificate is not for '\(name)'\(kind) but for \(shown.joined(separator: ", ")); "
      + "use a name it is for" + (options.serverName.map { ", or \($0)" } ?? "")
  }

  private static let mostNames = 3
}
