import COpenSSL

/// A certificate with its Ed25519 key, made for a test.
final class TestCertificate {
  let key: OpaquePointer
  let certificate: OpaquePointer

  /// `issuer` signs the certificate; nil makes a self-signed certificate authority. `names` is the subjectAltName in the
  /// syntax of x509v3_config(5), such as `DNS:localhost,IP:127.0.0.1`. `validity` is in seconds from now.
  init(
    _ names: String?, commonName: String = "test", issuer: TestCertificate? = nil,
    validity: ClosedRange<Int> = -3600...3600
  ) {
    let key = Self.makeKey()
    guard let certificate = X509_new() else { fatalError("out of memory") }
    (self.key, self.certificate) = (key, certificate)
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...1_000_000))
    X509_gmtime_adj(X509_getm_notBefore(certificate), validity.lowerBound)
    X509_gmtime_adj(X509_getm_notAfter(certificate), validity.upperBound)
    X509_set_pubkey(certificate, key)
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, commonName, -1, -1, 0)
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer?.certificate ?? certificate))
    if issuer == nil { add(NID_basic_constraints, "critical,CA:TRUE") }
    if let names { add(NID_subject_alt_name, names) }
    precondition(X509_sign(certificate, issuer?.key ?? key, nil) > 0, "the certificate cannot be signed")
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  private static func makeKey() -> OpaquePointer {
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil) else { fatalError("out of memory") }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    EVP_PKEY_keygen_init(context)
    EVP_PKEY_keygen(context, &key)
    guard let key else { fatalError("no key can be made") }
    return key
  }

  private func add(_ extensionID: Int32, _ value: String) {
    guard let added = X509V3_EXT_conf_nid(nil, nil, extensionID, value) else { fatalError("'\(value)' is invalid") }
    X509_add_ext(certificate, added, -1)
    X509_EXTENSION_free(added)
  }

  /// The certificate in PEM format.
  var certificatePEM: String { Self.pem { PEM_write_bio_X509($0, certificate) } }

  /// The private key in PEM format.
  var keyPEM: String { Self.pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) } }

  private static func pem(_ write: (OpaquePointer) -> Int32) -> String {
    guard let memory = BIO_new(BIO_s_mem()) else { fatalError("out of memory") }
    defer { BIO_free(memory) }
    precondition(write(memory) == 1, "no PEM can be written")
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
  }
}
