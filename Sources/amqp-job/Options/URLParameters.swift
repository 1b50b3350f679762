import AMQP

/// The query parameters of the brokers' URLs that RabbitMQ's own client
/// (<https://www.rabbitmq.com/docs/uri-query-parameters>), pika and Celery know. A parameter replaces the default of the option
/// of the same meaning. If several URLs have it, the first one counts. Unknown parameters are ignored with a warning, since
/// these URLs serve other clients, too.
struct URLParameters {
  private(set) var heartbeat: Duration?
  private(set) var connectTimeout: Duration?
  private(set) var mechanism: BrokerURL.Mechanism?
  private(set) var authorities: String?
  private(set) var certificate: String?
  private(set) var key: String?
  private(set) var serverName: String?
  private(set) var verifies: Bool?
  /// The names of the ignored parameters. Their values are left out, since any of them may be a secret.
  private(set) var ignored: [String] = []

  init(_ brokers: [BrokerURL]) {
    let isSecure = brokers.contains(where: \.isSecure)
    for parameter in brokers.flatMap(\.parameters) where !take(parameter, isSecure: isSecure) {
      let name = parameter.value == nil || !parameter.name.isPlain ? "one that is none" : parameter.name
      if !ignored.contains(name) { ignored.append(name) }
    }
  }

  /// The warning about ignored parameters, or nil if there are none. `source` is where the URLs come from.
  func warning(in source: String) -> String? {
    guard !ignored.isEmpty else { return nil }
    return "part of the query of the broker's URL in \(source) is ignored, as amqp-job has no such setting or value: "
      + ignored.joined(separator: ", ")
  }

  /// Returns false for a parameter that is ignored.
  private mutating func take(_ parameter: BrokerURL.Parameter, isSecure: Bool) -> Bool {
    guard let value = parameter.value else { return false }
    switch parameter.name {
    case "heartbeat":
      guard let seconds = UInt16(value) else { return false }
      heartbeat = heartbeat ?? .seconds(seconds)
    case "connection_timeout":
      guard let milliseconds = UInt32(value), milliseconds > 0 else { return false }
      connectTimeout = connectTimeout ?? .milliseconds(milliseconds)
    case "auth_mechanism", "login_method":
      guard let named = BrokerURL.Mechanism(rawValue: value.lowercased()) else { return false }
      mechanism = mechanism ?? named
    case "locale": return value == "en_US"
    default: return isSecure && takeForTLS(parameter.name, value)
    }
    return true
  }

  private mutating func takeForTLS(_ name: String, _ value: String) -> Bool {
    guard !value.isEmpty else { return false }
    switch name {
    case "cacertfile": authorities = authorities ?? value
    case "certfile": certificate = certificate ?? value
    case "keyfile": key = key ?? value
    case "server_name_indication" where value != "disable": serverName = serverName ?? value
    case "verify" where value == "verify_peer" || value == "verify_none":
      verifies = verifies ?? (value == "verify_peer")
    default: return false
    }
    return true
  }
}

extension String {
  /// Whether the text consists of letters, digits and underscores, and so is safe to show.
  fileprivate var isPlain: Bool {
    !isEmpty && utf8.count <= 40
      && unicodeScalars.allSatisfy { $0 == "_" || $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0) }
  }
}
