internal import COpenSSL
internal import Glibc

/// OpenSSL's object for a connection with one server. It expects the server's name, and records why a certificate was
/// rejected. Its owner moves the bytes.
package final class TLSConnection {
  /// The object itself, an `SSL`, for what moves the bytes: `TLSSession`, or libevent. It is valid as long as this one.
  package let ssl: OpaquePointer
  /// Whether the handshake was completed. The server's certificate was then verified.
  package private(set) var isEstablished = false
  private let context: TLSContext
  private let name: String
  /// Why the server's certificate was rejected.
  private var verificationFailure: String?

  /// - Throws: `TLSError.failed`
  package init(_ context: TLSContext, host: String) throws(TLSError) {
    guard let ssl = SSL_new(context.context) else { throw TLSError.failed("not enough memory for TLS") }
    (self.context, self.ssl) = (context, ssl)
    let full = context.configuration.serverName ?? host
    // The dot at the end of an absolute name is not part of the name in TLS (RFC 6066, 3) or in certificates.
    name = full.hasSuffix(".") ? String(full.dropLast()) : full
    SSL_set_connect_state(ssl)
    SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    SSL_set_info_callback(ssl) { ssl, event, _ in
      guard event == SSL_CB_HANDSHAKE_DONE, let ssl else { return }
      TLSConnection.of(ssl)?.isEstablished = true
    }
    try setExpectedName()
  }

  deinit { SSL_free(ssl) }

  private static func of(_ ssl: OpaquePointer) -> TLSConnection? {
    SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSConnection>.fromOpaque($0).takeUnretainedValue() }
  }

  private func setExpectedName() throws(TLSError) {
    var address = in6_addr()
    let isAddress = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
    let isSet: Bool
    if isAddress {
      isSet = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
    } else {
      SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
      isSet = copenssl_set_server_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1
    }
    guard isSet else { throw TLSError.failed("no certificate can be valid for the name '\(name)'") }
  }

  // MARK: Errors

  private var options: TLSConfiguration.Options { context.configuration.options }

  /// Why the connection failed. `code` is the first error in OpenSSL's queue (ERR_get_error(3)); 0 if there is none.
  package func failure(_ code: UInt) -> TLSError {
    if let verificationFailure { return .untrusted(verificationFailure) }
    let words = ERR_reason_error_string(code).map { String(cString: $0) } ?? "the TLS session failed"
    switch Int32(code & 0x7F_FFFF) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return .untrusted("its certificate cannot be trusted")
    case SSL_R_WRONG_VERSION_NUMBER:
      return .failed("it does not speak TLS on this port; use its port for \(options.scheme)")
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return .failed("it closed the connection, and not as TLS does")
    // The alerts of the peer (RFC 8446, 6.2).
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return .untrusted("it requires a certificate from the client; use \(options.certificate) and \(options.key)")
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
      SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return .untrusted(
        "it does not accept the client certificate (\(words)); use \(options.certificate) and \(options.key)")
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE where context.configuration.certificate == nil:
      return .untrusted(
        "it refused the TLS handshake, perhaps because it requires a client certificate (\(options.certificate))")
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_UNSUPPORTED_PROTOCOL:
      return .failed("it speaks neither TLS 1.2 nor 1.3 (\(words))")
    default: return .failed("TLS: \(words)")
    }
  }

  /// The callback for SSL_CTX_set_verify(3), which is called for each certificate of the server's chain. It records why a
  /// certificate is rejected.
  static let verification: SSL_verify_cb = { passes, store in
    guard passes == 0, let store, let certificate = X509_STORE_CTX_get_current_cert(store),
      let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let connection = of(OpaquePointer(ssl))
    else { return passes }
    connection.reject(PeerCertificate(certificate: certificate), X509_STORE_CTX_get_error(store))
    return 0
  }

  private func reject(_ certificate: PeerCertificate, _ error: Int32) {
    verificationFailure = reason(for: certificate, error)
  }

  private func reason(for certificate: PeerCertificate, _ error: Int32) -> String {
    switch error {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: return mismatch(certificate.names)
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate expired\(certificate.expiryDate.map { " on \($0)" } ?? "")"
    case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate is not signed by a trusted authority; use \(options.authorities)"
    default: return "its certificate cannot be trusted: \(String(cString: X509_verify_cert_error_string(Int(error))))"
    }
  }

  /// The message for a certificate that is valid for `names`, but not for the expected name.
  private func mismatch(_ names: [PeerCertificate.Name]) -> String {
    guard !names.isEmpty else {
      return "its certificate is not for '\(name)', nor for any host: its subjectAltName names none, "
        + "and a common name does not count"
    }
    let others = names.filter { $0 != .host(name) }
    // An IP address must be in the certificate as an address, not as a DNS name (RFC 9525, 6.4).
    let kind = others.count < names.count ? ", which it has as a DNS name and not as an IP address," : ""
    guard !others.isEmpty else {
      return "its certificate is not for '\(name)'\(kind) and for nothing else; it must have the address as "
        + "subjectAltName IP:\(name)"
    }
    let shown = others.prefix(Self.maxShownNames).map { "'\($0)'" } + (others.count > Self.maxShownNames ? ["..."] : [])
    return "its certificate is not for '\(name)'\(kind) but for \(shown.joined(separator: ", ")); "
      + "use a name that it is for" + (options.serverName.map { ", or \($0)" } ?? "")
  }

  private static let maxShownNames = 3
}
