import Arguments
import TLS

/// The options about TLS. The query of a URL may set what they leave open, as it does for other clients.
struct TLSOptions {
  static let authorities = Option(
    "tls-ca", .text("PATH"), "who may sign the broker's certificate, in PEM (default: the system's list)")
  static let certificate = Option("tls-cert", .text("PATH"), "our own certificate, in PEM")
  static let key = Option("tls-key", .text("PATH"), "its key, where \(certificate) does not hold it")
  static let serverName = Option(
    "tls-server-name", .serverName, "whom the broker's certificate is for, if not the URL's host")
  static let insecure = Flag("tls-insecure", "let anybody be the broker: no certificate is verified")

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
