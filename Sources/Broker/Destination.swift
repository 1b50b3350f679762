/// Where messages go: an exchange decides by the routing key; the exchange without a name has it be a queue's.
public struct Destination: Hashable, Sendable {
  public var exchange: String
  public var routingKey: String

  public init(exchange: String, routingKey: String) {
    self.exchange = exchange
    self.routingKey = routingKey
  }

  public static func queue(_ name: String) -> Destination { Destination(exchange: "", routingKey: name) }
}
