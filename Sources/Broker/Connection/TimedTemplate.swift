package import AMQP

/// The encoded method and properties of messages that differ by their message id, and now and then by their timestamp or the method.
package struct TimedTemplate {
  private var properties: BasicProperties
  private var encoded: (method: Method, template: MessageTemplate)?

  package init(_ properties: BasicProperties) { self.properties = properties }

  /// The template for a message with this timestamp, in seconds since 1970-01-01T00:00:00Z, which may be nil.
  package mutating func template(
    _ method: Method, at time: UInt64?, for link: BrokerLink
  ) throws(AMQPError) -> MessageTemplate {
    if let encoded, properties.timestamp == time, encoded.method == method { return encoded.template }
    properties.timestamp = time
    let template = try link.template(method, properties)
    encoded = (method, template)
    return template
  }
}
