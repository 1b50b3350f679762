package import AMQP

/// The version of a RabbitMQ server, as far as its features depend on it.
package struct ServerVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var major: Int
  package var minor: Int

  package init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads the version from the server properties. The result is nil for another product, and if there is no valid
  /// version.
  package init?(_ serverProperties: FieldTable) {
    guard serverProperties.string("product")?.description == "RabbitMQ",
      let version = serverProperties.string("version")?.description
    else { return nil }
    let numbers = version.split(separator: ".").prefix(2).map { Int($0) }
    guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(major, minor)
  }

  /// Whether the server knows `connection.update-secret`. Another server would close the connection because of the
  /// unknown method.
  var takesNewSecrets: Bool { self >= ServerVersion(3, 8) }

  package var description: String { "\(major).\(minor)" }

  package static func < (one: ServerVersion, other: ServerVersion) -> Bool {
    (one.major, one.minor) < (other.major, other.minor)
  }
}
