/// The settings of a TLS client: which authorities it trusts, and its own certificate.
package struct TLSConfiguration: Hashable, Sendable {
  /// The path of a PEM file or a directory with the trusted certificate authorities. nil means those of the system.
  package var authorities: String?
  /// The path of a PEM file with the client certificate, followed by its intermediate certificates.
  package var certificate: String?
  /// The path of a PEM file with the private key of the client certificate. nil means the file of the certificate.
  package var key: String?
  /// The name that the server's certificate must be valid for. nil means the host of the URL.
  package var serverName: String?
  /// Whether the server's certificate is verified.
  package var verifies = true

  /// The paths of all files and directories that the settings name.
  package var files: [String] { [authorities, certificate, key].compactMap(\.self) }

  /// The names of the settings as the user writes them, for error messages.
  package var options = Options()

  package struct Options: Hashable, Sendable {
    package var authorities: String
    package var certificate: String
    package var key: String
    /// nil if the user cannot set a server name.
    package var serverName: String?
    /// The scheme of URLs with TLS.
    package var scheme: String

    package init(
      authorities: String = "--tls-ca", certificate: String = "--tls-cert", key: String = "--tls-key",
      serverName: String? = "--tls-server-name", scheme: String = "amqps"
    ) {
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
      self.serverName = serverName
      self.scheme = scheme
    }
  }

  package init() {}

  /// The files in which Linux distributions keep their certificate authorities (Go's crypto/x509/root_linux.go).
  static let wellKnownBundles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
  ]
}
