internal import COpenSSL
internal import Glibc

/// The certificates, the key and the settings that all sessions share. They are read once and never change. OpenSSL counts
/// the references to a context atomically, so threads can share one.
package final class TLSContext: @unchecked Sendable {
  let context: OpaquePointer
  let configuration: TLSConfiguration

  /// Reads all files. Throws `TLSError.setting`.
  package init(_ configuration: TLSConfiguration) throws(TLSError) {
    self.configuration = configuration
    guard copenssl_start() == 1, let context = SSL_CTX_new(TLS_client_method()) else {
      throw TLSError.setting("TLS cannot be set up")
    }
    self.context = context
    guard copenssl_set_min_tls12(context) == 1 else { throw TLSError.setting("TLS 1.2 cannot be set up") }
    copenssl_forbid_renegotiation(context)
    // OpenSSL must not ask for a passphrase on the terminal.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
    SSL_CTX_set_verify(
      context, configuration.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
      configuration.verifies ? TLSConnection.verification : nil)
    if configuration.verifies { try loadAuthorities() }
    try loadCertificate()
    ERR_clear_error()
  }

  package var verifies: Bool { configuration.verifies }
  package var hasCertificate: Bool { configuration.certificate != nil }

  private var options: TLSConfiguration.Options { configuration.options }

  deinit { SSL_CTX_free(context) }

  private func loadAuthorities() throws(TLSError) {
    if let path = configuration.authorities { return try load(path, options.authorities) }
    let file = variable("SSL_CERT_FILE")
    if let file { try load(file, "SSL_CERT_FILE") }
    let directories = (variable("SSL_CERT_DIR") ?? "").split(separator: ":").map(String.init)
    var failures: [TLSError] = []
    for directory in directories {
      do { try load(directory, "SSL_CERT_DIR") } catch { failures.append(error) }
    }
    // One usable directory is enough, as in OpenSSL.
    if file == nil, let first = failures.first, failures.count == directories.count { throw first }
    guard file == nil, directories.isEmpty else { return }
    guard let bundle = TLSConfiguration.wellKnownBundles.first(where: { access($0, R_OK) == 0 }) else {
      throw TLSError.setting(
        "this system has no bundle of certificate authorities; name one with \(options.authorities)")
    }
    try load(bundle, "the system's certificate authorities")
  }

  private func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  private func load(_ path: String, _ source: String) throws(TLSError) {
    var status = stat()
    guard stat(path, &status) == 0, access(path, R_OK) == 0 else {
      throw TLSError.setting("\(source) \(path): \(String(cString: strerror(errno)))")
    }
    let isDirectory = status.st_mode & S_IFMT == S_IFDIR
    guard isDirectory ? loadDirectory(path) : SSL_CTX_load_verify_file(context, path) == 1 else {
      throw TLSError.setting("\(source) \(path): it contains no certificate in PEM format")
    }
  }

  /// Loads the files `*.pem` and `*.crt` of a directory. Files that are named by hashes (openssl-rehash(1)) are read when
  /// they are needed. Returns whether there is any certificate.
  private func loadDirectory(_ path: String) -> Bool {
    let names = Self.names(in: path)
    let isAnyLoaded = names.filter { $0.hasSuffix(".pem") || $0.hasSuffix(".crt") }
      .map { SSL_CTX_load_verify_file(context, "\(path)/\($0)") == 1 }.contains(true)
    let hasHashes = names.contains { name in
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      return parts.count == 2 && parts[0].count == 8 && parts[0].allSatisfy(\.isHexDigit) && Int(parts[1]) != nil
    }
    return hasHashes && SSL_CTX_load_verify_dir(context, path) == 1 || isAnyLoaded
  }

  private static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      // The name must be read in place, because the record can be shorter than the type `dirent`.
      let name = MemoryLayout<dirent>.offset(of: \.d_name).map { UnsafeRawPointer(entry) + $0 }
      if let name { names.append(String(cString: name.assumingMemoryBound(to: CChar.self))) }
    }
    return names
  }

  private func loadCertificate() throws(TLSError) {
    guard let path = configuration.certificate else {
      guard configuration.key == nil else { throw TLSError.setting("\(options.key) goes with \(options.certificate)") }
      return
    }
    try checkReadable(path, options.certificate)
    guard SSL_CTX_use_certificate_chain_file(context, path) == 1 else {
      throw TLSError.setting("\(options.certificate) \(path): it contains no certificate in PEM format")
    }
    let key = configuration.key ?? path
    let option = configuration.key == nil ? options.certificate : options.key
    try checkReadable(key, option)
    ERR_clear_error()
    if SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 {
      guard isMismatch(ERR_peek_last_error()) else {
        throw TLSError.setting("\(option) \(key): it contains no private key in PEM format without a passphrase")
      }
      throw mismatch(option, key, path)
    }
    guard SSL_CTX_check_private_key(context) == 1 else { throw mismatch(option, key, path) }
  }

  private func mismatch(_ option: String, _ key: String, _ certificate: String) -> TLSError {
    .setting("\(option) \(key): the key is not the one for the certificate in \(options.certificate) \(certificate)")
  }

  private func isMismatch(_ code: UInt) -> Bool {
    [X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH].contains(Int32(code & 0x7F_FFFF))
  }

  private func checkReadable(_ path: String, _ option: String) throws(TLSError) {
    guard access(path, R_OK) == 0 else {
      throw TLSError.setting("\(option) \(path): \(String(cString: strerror(errno)))")
    }
  }
}
