package import HTTP
internal import Linux
package import TLS

/// Which spans are sent, and where, from the standard variables of OpenTelemetry
/// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).
package struct TraceSettings: Hashable, Sendable {
  /// Why a variable cannot be used. It does not repeat what may be secret.
  package struct FormError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
  }

  package var endpoint: HTTPOrigin
  package var headers: [String: String] = [:]
  /// How long the collector may take over one request.
  package var timeout: Duration = .seconds(10)
  /// How long a span waits for others before it is sent.
  package var delay: Duration = .seconds(5)
  /// nil for an endpoint without TLS.
  package var tls: TLSConfiguration?
  package var sampler = Sampler.parentBasedAlwaysOn
  /// What the spans are about.
  package var resource: [Span.Attribute] = []
  /// The settings that are ignored, and what is used instead.
  package private(set) var warnings: [String] = []

  /// The endpoint, as messages name it.
  package var destination: String { endpoint.description }

  /// `variable` returns a variable's value. nil if no traces are asked for.
  /// - Throws: `FormError`
  package init?(host: String, variable: @escaping (String) -> String?) throws(FormError) {
    let variables = Variables(value: variable)
    guard variables["OTEL_SDK_DISABLED"]?.lowercased() != "true",
      let endpoint = try Self.endpoint(variables), try Self.isExporting(variables)
    else { return nil }
    self.endpoint = endpoint
    if let (name, text) = variables.first(of: Self.names("PROTOCOL")), text != "http/json" {
      throw FormError(
        description:
          "\(name) is '\(text)', and amqp-job speaks http/json only; \(Self.names("PROTOCOL")[0])=http/json is for traces alone"
      )
    }
    try readHeaders(variables)
    readResource(variables, host: host)
    if endpoint.path.hasSuffix("\(Self.path)\(Self.path)") {
      warnings.append(
        "\(Self.names("ENDPOINT")[1]) gets \(Self.path) added to it; \(Self.names("ENDPOINT")[0]) takes a whole URL")
    }
    if endpoint.scheme == .https { tls = Self.tls(variables) }
    // 0 stands for no limit, and one request must not hold up all others.
    timeout = read(Self.names("TIMEOUT"), variables, otherwise: timeout)
    if timeout == .zero { timeout = Self.maxTime }
    delay = read(["OTEL_BSP_SCHEDULE_DELAY"], variables, otherwise: delay)
    readSampler(variables)
  }

  // MARK: Variables

  /// An empty variable counts as none.
  private struct Variables {
    let value: (String) -> String?

    subscript(name: String) -> String? {
      value(name).map(\.withoutTrailingNewlines).flatMap { $0.isEmpty ? nil : $0 }
    }

    func first(of names: [String]) -> (name: String, text: String)? {
      for name in names { if let text = self[name] { return (name, text) } }
      return nil
    }
  }

  /// The variable for traces alone comes before the one for all signals.
  private static func names(_ name: String) -> [String] {
    ["OTEL_EXPORTER_OTLP_TRACES_\(name)", "OTEL_EXPORTER_OTLP_\(name)"]
  }

  /// Where a collector takes spans.
  private static let path = "/v1/traces"

  private static func endpoint(_ variables: Variables) throws(FormError) -> HTTPOrigin? {
    let names = names("ENDPOINT")
    guard let (name, text) = variables.first(of: names) else { return nil }
    do {
      var endpoint = try HTTPOrigin(parsing: text)
      if name == names[1] { endpoint.path += path }
      return endpoint
    } catch { throw FormError(description: "\(name): \(error)") }
  }

  private static func isExporting(_ variables: Variables) throws(FormError) -> Bool {
    let name = "OTEL_TRACES_EXPORTER"
    let exporters = (variables[name] ?? "otlp").split(separator: ",").map { $0.filter { $0 != " " } }
    guard !exporters.contains("otlp") else { return true }
    guard exporters == ["none"] else { throw FormError(description: "\(name) is neither otlp nor none") }
    return false
  }

  /// A list that cannot be read is discarded as a whole, as the
  /// [specification](https://opentelemetry.io/docs/specs/otel/resource/sdk/) asks for.
  private mutating func readResource(_ variables: Variables, host: String) {
    let name = "OTEL_RESOURCE_ATTRIBUTES"
    let pairs = PairList.read(variables[name] ?? "")
    if pairs == nil { warnings.append("\(name) is no list of the form NAME=VALUE,NAME=VALUE, and is ignored") }
    let given = Dictionary((pairs ?? []).map { ($0.name, $0.value) }) { $1 }
    var attributes = ["service.name": "amqp-job", "host.name": host].merging(given) { $1 }
    if let service = variables["OTEL_SERVICE_NAME"] { attributes["service.name"] = service }
    resource = attributes.sorted { $0.key < $1.key }.compactMap { Span.Attribute($0.key, text: $0.value) }
  }

  private mutating func readHeaders(_ variables: Variables) throws(FormError) {
    guard let (name, text) = variables.first(of: Self.names("HEADERS")) else { return }
    guard let pairs = PairList.read(text), pairs.allSatisfy({ Self.isHeader($0.name, $0.value) }) else {
      throw FormError(description: "\(name) is no list of headers of the form NAME=VALUE,NAME=VALUE")
    }
    for (header, value) in pairs {
      if Self.ownHeaders.contains(header.lowercased()) {
        warnings.append("the header \(header) in \(name) is ignored, because amqp-job sets it itself")
      } else {
        headers[header] = value
      }
    }
  }

  /// What says how a request is sent and read, which is not for a user to say (RFC 9110 and 9112).
  private static let ownHeaders: Set = [
    "accept", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive", "te",
    "trailer", "transfer-encoding", "upgrade", "user-agent",
  ]

  /// Whether they can be a header's name and value (RFC 9110, 5.1 and 5.5).
  private static func isHeader(_ name: String, _ value: String) -> Bool {
    let marks = Array("!#$%&'*+-.^_`|~".unicodeScalars)
    let isName = name.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || marks.contains($0))
    }
    return isName && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  private static func tls(_ variables: Variables) -> TLSConfiguration {
    let (authorities, certificate, key) = (names("CERTIFICATE"), names("CLIENT_CERTIFICATE"), names("CLIENT_KEY"))
    var tls = TLSConfiguration()
    tls.authorities = variables.first(of: authorities)?.text
    tls.certificate = variables.first(of: certificate)?.text
    tls.key = variables.first(of: key)?.text
    tls.options = TLSConfiguration.Options(
      authorities: authorities[1], certificate: certificate[1], key: key[1], serverName: nil, scheme: "https")
    return tls
  }

  /// A time in milliseconds.
  private mutating func read(_ names: [String], _ variables: Variables, otherwise standard: Duration) -> Duration {
    guard let (name, text) = variables.first(of: names) else { return standard }
    guard let number = Int64(text), number >= 0 else {
      warnings.append("\(name) is no number of milliseconds; \(standard.components.seconds) seconds are used")
      return standard
    }
    return min(.milliseconds(number), Self.maxTime)
  }

  private static let maxTime: Duration = .seconds(600)

  private mutating func readSampler(_ variables: Variables) {
    guard let name = variables["OTEL_TRACES_SAMPLER"] else { return }
    if let sampler = Sampler(name: name, argument: variables["OTEL_TRACES_SAMPLER_ARG"]) {
      self.sampler = sampler
    } else {
      let mistake =
        Sampler(name: name, argument: nil) == nil
        ? "OTEL_TRACES_SAMPLER is not known here" : "OTEL_TRACES_SAMPLER_ARG is to be from 0 to 1"
      warnings.append("\(mistake); parentbased_always_on is used")
    }
  }
}
