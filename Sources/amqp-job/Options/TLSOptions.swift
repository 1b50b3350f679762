import Arguments
import Console
import TLS

/// What the options say of TLS. The query of a URL may say the rest, as other clients have it there.
struct TLSOptions {
  static let options = [
    Option("tls-ca", value: "PATH", "who may sign the broker's certificate, in PEM (default: the system's list)"),
    Option("tls-cert", value: "PATH", "our own certificate, in PEM"),
    Option("tls-key", value: "PATH", "its key, where --tls-cert does not hold it"),
    Option("tls-server-name", value: "NAME", "whom the broker's certificate is for, if not the URL's host"),
    Option("tls-insecure", "let anybody be the broker: no certificate is verified"),
  ]

  private let given: TLSConfiguration
  private let isVerifyingGiven: Bool

  /// - Throws: `Failure`
  init(_ settings: inout Settings) throws {
    var configuration = TLSConfiguration()
    configuration.authorities = try settings.text("tls-ca")
    configuration.certificate = try settings.text("tls-cert")
    configuration.key = try settings.text("tls-key")
    configuration.serverName = try settings.value("tls-server-name", "a name or an address") { $0.isEmpty ? nil : $0 }
    _ = try settings.name("tls-server-name")
    isVerifyingGiven = try settings.setting("tls-insecure") != nil
    configuration.verifies = try !settings.flag("tls-insecure")
    given = configuration
  }

  var areNone: Bool { given == TLSConfiguration() }

  /// With what the URLs say beside that.
  func configuration(_ parameters: URLParameters) -> TLSConfiguration {
    var configuration = given
    configuration.authorities = given.authorities ?? parameters.authorities
    if given.certificate == nil {
      configuration.certificate = parameters.certificate
      configuration.key = given.key ?? parameters.key
    }
    configuration.serverName = given.serverName ?? parameters.serverName
    if !isVerifyingGiven { configuration.verifies = parameters.verifies ?? true }
    return configuration
  }
}
