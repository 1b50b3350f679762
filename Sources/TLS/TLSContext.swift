internal import COpenSSL
internal import Glibc

/// What all sessions of a process have in common: certificates, key and rules, read once.
/// Nothing of it changes later, and OpenSSL counts its users atomically.
package final class TLSContext: @unchecked Sendable {
  let context: OpaquePointer
  let configuration: TLSConfiguration

  /// - Throws: `TLSError.setting`
  package init(_ configuration: TLSConfiguration) throws {
    self.configuration = configuration
    guard copenssl_start() == 1, let context = SSL_CTX_new(TLS_client_method()) else {
      throw TLSError.setting("TLS cannot be set up")
    }
    self.context = context
    guard copenssl_set_min_tls12(context) == 1 else { throw TLSError.setting("TLS 1.2 cannot be set up") }
    copenssl_forbid_renegotiation(context)
    // Nobody is asked for a passphrase.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
    SSL_CTX_set_verify(
      context, configuration.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
      configuration.verifies ? TLSSession.verification : nil)
    if configuration.verifies { try loadAuthorities() }
    try loadCertificate()
    ERR_clear_error()
  }

  package var verifies: Bool { configuration.verifies }
  package var hasCertificate: Bool { configuration.certificate != nil }

  private var options: TLSConfiguration.Options { configuration.options }

  deinit { SSL_CTX_free(context) }

  private func loadAuthorities() throws {
    if let path = configuration.authorities { return try load(path, options.authorities) }
    let file = variable("SSL_CERT_FILE")
    if let file { try load(file, "SSL_CERT_FILE") }
    let directories = (variable("SSL_CERT_DIR") ?? "").split(separator: ":").map(String.init)
    var failures: [any Error] = []
    for directory in directories {
      do { try load(directory, "SSL_CERT_DIR") } catch { failures.append(error) }
    }
    // As OpenSSL has it: one of several will do.
    if file == nil, let first = failures.first, failures.count == directories.count { throw first }
    guard file == nil, directories.isEmpty else { return }
    guard let bundle = TLSConfiguration.wellKnownBundles.first(where: { access($0, R_OK) == 0 }) else {
      throw TLSError.setting("this system has no bundle of certificate authorities: name one by \(options.authorities)")
    }
    try load(bundle, "the system's certificate authorities")
  }

  private func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  private func load(_ path: String, _ source: String) throws {
    var status = stat()
    guard stat(path, &status) == 0, access(path, R_OK) == 0 else {
      throw TLSError.setting("\(source) \(path): \(String(cString: strerror(errno)))")
    }
    let isDirectory = status.st_mode & S_IFMT == S_IFDIR
    guard isDirectory ? loadDirectory(path) : SSL_CTX_load_verify_file(context, path) == 1 else {
      throw TLSError.setting("\(source) \(path): it holds no certificate in PEM form")
    }
  }

  /// Those of its files that are certificates by their names: `*.pem` and `*.crt`, and OpenSSL's hashes (openssl-rehash(1)),
  /// which are looked up when they are needed.
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
      // In place: the name ends where the record does, before the end of its type.
      let name = MemoryLayout<dirent>.offset(of: \.d_name).map { UnsafeRawPointer(entry) + $0 }
      if let name { names.append(String(cString: name.assumingMemoryBound(to: CChar.self))) }
    }
    return names
  }

  private func loadCertificate() throws {
    guard let path = configuration.certificate else {
      guard configuration.key == nil else { throw TLSError.setting("\(options.key) goes with \(options.certificate)") }
      return
    }
    try checkReadable(path, options.certificate)
    guard SSL_CTX_use_certificate_chain_file(context, path) == 1 else {
      throw TLSError.setting("\(options.certificate) \(path): it holds no certificate in PEM form")
    }
    let key = configuration.key ?? path
    let option = configuration.key == nil ? options.certificate : options.key
    try checkReadable(key, option)
    ERR_clear_error()
    if SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 {
      throw TLSError.setting(
        isMismatch(ERR_peek_last_error())
          ? "\(option) \(key): the key is not the one of the certificate in \(options.certificate) \(path)"
          : "\(option) \(key): it holds no private key in PEM form that needs no passphrase")
    }
    guard SSL_CTX_check_private_key(context) == 1 else {
      throw TLSError.setting(
        "\(option) \(key): the key is not the one of the certificate in \(options.certificate) \(path)")
    }
  }

  private func isMismatch(_ code: UInt) -> Bool {
    [X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH].contains(Int32(code & 0x7F_FFFF))
  }

  private func checkReadable(_ path: String, _ option: String) throws {
    guard access(path, R_OK) == 0 else {
      throw TLSError.setting("\(option) \(path): \(String(cString: strerror(errno)))")
    }
  }
}
