internal import AMQP
internal import Broker
internal import Console

/// An item as JSON, without its body.
extension WorkItem {
  /// In the form that `publish --jsonl` reads.
  var publishableJSON: JSON {
    .object([.init("properties", JSON(publishable: properties)), .init("headers", headersJSON)])
  }

  /// The entry of a list of items, each with its body in a file of this name.
  func listEntry(file: String) -> JSON {
    let publish = firstPublish
    return .object([
      .init("file", .text(file)), .init("attempt", .integer(Int64(attempt))),
      .init("redelivered", .boolean(envelope.isRedelivered)),
      .init("exchange", .text(publish.exchange.description)),
      .init("routing_key", .text(publish.routingKey.description)),
      .init("properties", JSON(properties: properties)), .init("headers", headersJSON),
    ])
  }

  private var headersJSON: JSON { JSON(headers: properties.headers ?? [:]) }
}
