/// How to speak TLS, and whom to trust.
package struct TLSConfiguration: Hashable, Sendable {
  /// PEM file or directory with those whose signatures count; the system's where there is none.
  package var authorities: String?
  /// PEM file with the client's certificate, and what leads from it to its authority.
  package var certificate: String?
  /// PEM file with its private key; the certificate's where there is none.
  package var key: String?
  /// What the peer's certificate must be for, instead of the URL's host.
  package var serverName: String?
  /// False: anybody may be the peer.
  package var verifies = true

  /// The paths of all that is to be read.
  package var files: [String] { [authorities, certificate, key].compactMap(\.self) }

  /// What the settings are called where a user makes them, for errors to name.
  package var options = Options()

  package struct Options: Hashable, Sendable {
    package var authorities: String
    package var certificate: String
    package var key: String
    /// nil where there is no such setting.
    package var serverName: String?

    package init(
      authorities: String = "--tls-ca", certificate: String = "--tls-cert", key: String = "--tls-key",
      serverName: String? = "--tls-server-name"
    ) {
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
      self.serverName = serverName
    }
  }

  package init() {}

  /// Where systems keep their authorities, as Go's crypto/x509 (root_linux.go) lists them.
  static let wellKnownBundles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
  ]
}
