package import AMQP

/// The encoded method and properties of messages that differ by their message id, and now and then by their timestamp.
package struct TimedTemplate {
  private let method: Method
  private var properties: BasicProperties
  private var encoded: MessageTemplate?

  package init(_ method: Method, _ properties: BasicProperties) {
    self.method = method
    self.properties = properties
  }

  /// The template for a message with this timestamp, in seconds since 1970-01-01T00:00:00Z, which may be nil.
  package mutating func template(at time: UInt64?, for link: BrokerLink) throws(AMQPError) -> MessageTemplate {
    if let encoded, properties.timestamp == time { return encoded }
    properties.timestamp = time
    let template = try link.template(method, properties)
    encoded = template
    return template
  }
}
