import TLS
import Testing

/// The files that the settings name.
@Suite struct TLSContextTests {
  private let files: TestFiles
  private let certificate = TestCertificate("DNS:localhost")

  init() throws { files = try TestFiles() }

  /// Why the settings cannot be used; nil if they can.
  private func failure(_ change: (inout TLSConfiguration) throws -> Void) throws -> String? {
    var configuration = TLSConfiguration()
    configuration.verifies = false
    try change(&configuration)
    do {
      _ = try TLSContext(configuration)
      return nil
    } catch {
      guard case .setting(let text) = error else { return "another error: \(error)" }
      return text
    }
  }

  @Test("Authorities are read from a file, and from the certificates in a directory") func authorities() throws {
    let path = try files.write(certificate.certificatePEM, suffix: ".crt")
    for authorities in [path, files.directory] {
      #expect(try failure { ($0.authorities, $0.verifies) = (authorities, true) } == nil)
    }
  }

  @Test("Authorities that cannot be read are named with their setting") func unreadableAuthorities() throws {
    let missing = files.directory + "/missing"
    #expect(
      try failure { ($0.authorities, $0.verifies) = (missing, true) }
        == "--tls-ca \(missing): No such file or directory")
    for path in [files.directory, try files.write("no certificate")] {
      #expect(
        try failure { ($0.authorities, $0.verifies) = (path, true) }
          == "--tls-ca \(path): it contains no certificate in PEM format")
    }
  }

  @Test("A certificate and its key may be in one file or in two") func certificateAndKey() throws {
    let both = try files.write(certificate.certificatePEM + certificate.keyPEM)
    #expect(try failure { $0.certificate = both } == nil)
    let (first, second) = (try files.write(certificate.certificatePEM), try files.write(certificate.keyPEM))
    #expect(try failure { ($0.certificate, $0.key) = (first, second) } == nil)
  }

  @Test("A certificate or key that cannot be used is named with its setting") func unusableCertificate() throws {
    let (path, key) = (try files.write(certificate.certificatePEM), try files.write(certificate.keyPEM))
    let otherKey = try files.write(TestCertificate(nil).keyPEM)
    let noKey = "it contains no private key in PEM format without a passphrase"
    #expect(try failure { $0.key = key } == "--tls-key goes with --tls-cert")
    #expect(try failure { $0.certificate = key } == "--tls-cert \(key): it contains no certificate in PEM format")
    #expect(try failure { $0.certificate = path } == "--tls-cert \(path): \(noKey)")
    #expect(try failure { ($0.certificate, $0.key) = (path, path) } == "--tls-key \(path): \(noKey)")
    #expect(
      try failure { ($0.certificate, $0.key) = (path, otherKey) }
        == "--tls-key \(otherKey): the key is not the one for the certificate in --tls-cert \(path)")
  }

  @Test("A setting is named as the program calls it") func optionNames() throws {
    let failure = try failure {
      $0.key = "key"
      $0.options = .init(authorities: "--cacert", certificate: "--cert", key: "--key", serverName: nil)
    }
    #expect(failure == "--key goes with --cert")
  }
}
