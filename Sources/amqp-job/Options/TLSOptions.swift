import Arguments
import Console
import TLS

/// The options about TLS. The query of a URL may set what they leave open, as it does for other clients.
struct TLSOptions {
  static let authorities = Option(
    "tls-ca", .text("PATH"), "authorities for the broker's certificate, in PEM (default: the system's)")
  static let certificate = Option("tls-cert", .text("PATH"), "client certificate, in PEM")
  static let key = Option(
    "tls-key", .text("PATH"), "key of the client certificate, if \(certificate) does not contain it")
  static let serverName = Option(
    "tls-server-name", .serverName, "name in the broker's certificate, if it is not the URL's host")
  static let insecure = Flag("tls-insecure", "do not verify the broker's certificate")

  static let options: [any CommandOption] = [authorities, certificate, key, serverName, insecure]

  private let given: TLSConfiguration
  private let isVerifyingSet: Bool

  /// - Throws: `UsageError`
  init(_ settings: inout Settings) throws {
    var configuration = TLSConfiguration()
    configuration.authorities = try settings.value(Self.authorities)
    configuration.certificate = try settings.value(Self.certificate)
    configuration.key = try settings.value(Self.key)
    configuration.serverName = try settings.value(Self.serverName)
    let isInsecure = try settings.valueIfSet(Self.insecure)
    isVerifyingSet = isInsecure != nil
    configuration.verifies = isInsecure != true
    given = configuration
  }

  var areNone: Bool { given == TLSConfiguration() }

  /// The configuration that the options and the URLs make together. An option outweighs the URLs.
  func configuration(_ parameters: URLParameters) -> TLSConfiguration {
    var configuration = given
    configuration.authorities = given.authorities ?? parameters.authorities
    if given.certificate == nil {
      configuration.certificate = parameters.certificate
      configuration.key = given.key ?? parameters.key
    }
    configuration.serverName = given.serverName ?? parameters.serverName
    if !isVerifyingSet { configuration.verifies = parameters.verifies ?? true }
    return configuration
  }
}

extension ValueType where Value == String {
  fileprivate static var serverName: Self {
    Self(
      "NAME",
      read: { (setting) throws(UsageError) in
        guard !setting.text.isEmpty else { throw setting.error(expected: "a name or an address") }
        return try setting.name()
      }, text: \.self)
  }
}
