/// How to speak TLS, and whom to trust.
public struct TLSConfiguration: Hashable, Sendable {
  /// PEM file or directory with those whose signatures count; the system's where there is none.
  public var authorities: String?
  /// PEM file with the client's certificate, and what leads from it to its authority.
  public var certificate: String?
  /// PEM file with its private key; the certificate's where there is none.
  public var key: String?
  /// What the peer's certificate must be for, instead of the URL's host.
  public var serverName: String?
  /// False: anybody may be the peer.
  public var verifies = true

  /// The paths of all that is to be read.
  public var files: [String] { [authorities, certificate, key].compactMap(\.self) }

  /// What the settings are called where a user makes them, for errors to name.
  public var options = Options()

  public struct Options: Hashable, Sendable {
    public var authorities: String
    public var certificate: String
    public var key: String
    /// nil where there is no such setting.
    public var serverName: String?

    public init(
      authorities: String = "--tls-ca", certificate: String = "--tls-cert", key: String = "--tls-key",
      serverName: String? = "--tls-server-name"
    ) {
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
      self.serverName = serverName
    }
  }

  public init() {}

  /// Where systems keep their authorities, as Go's crypto/x509 (root_linux.go) lists them.
  static let wellKnownBundles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
  ]
}
