package import AMQP
internal import Broker
internal import Linux
package import Telemetry

/// Makes the spans of items. Their names and attributes are those of OpenTelemetry's conventions for messaging
/// (<https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>).
package struct ItemTracer: Sendable {
  private let sampler: Sampler
  /// What all spans have in common.
  private let common: [Span.Attribute]

  /// A server is named in the spans if it is the only one of `brokers`.
  package init(_ sampler: Sampler, brokers: [BrokerURL]) {
    self.sampler = sampler
    let server = brokers.count == 1 ? brokers.first : nil
    common =
      [
        .init("messaging.system", .text("rabbitmq")), .init("messaging.operation.name", .text(Self.operation)),
        .init("messaging.operation.type", .text(Self.operation)),
      ]
      + (server.map { [.init("server.address", .text($0.host)), .init("server.port", .integer(Int64($0.port)))] } ?? [])
  }

  private static let operation = "process"

  /// The span of an attempt that begins, of which the worker's own spans are children. nil if the item belongs to a
  /// trace that nobody records, so that the worker sees that trace itself.
  package func begin(_ item: WorkItem) -> SpanContext? {
    var generator = SystemRandomNumberGenerator()
    let parent = item.parentSpan
    let context = SpanContext.make(childOf: parent, sampler, using: &generator)
    return parent?.isSampled == false && !context.isSampled ? nil : context
  }

  /// The span of an attempt that is over, or of an item that was settled unrun. nil if it is not recorded. `start` is
  /// the time of `record.startedAt`, in nanoseconds since 1970-01-01T00:00:00Z.
  package func span(of record: JobRecord, start: UInt64) -> Span? {
    let item = record.item
    guard let context = item.span ?? begin(item), context.isSampled else { return nil }
    let parent = item.parentSpan
    return Span(
      "\(Self.operation) \(item.queue)", context, parentID: parent?.spanID,
      traceState: parent == nil ? nil : item.properties.headers?.string("tracestate")?.description,
      start: start, end: start + UInt64(max(0, record.duration / .nanoseconds(1))), attributes(of: record),
      failure: Self.failure(record))
  }

  private func attributes(of record: JobRecord) -> [Span.Attribute] {
    let item = record.item
    let publish = item.firstPublish
    let optional: [Span.Attribute?] = [
      .init("messaging.destination.name", text: Self.destination(publish, item.queue)),
      .init("messaging.rabbitmq.destination.routing_key", text: publish.routingKey.description),
      .init("messaging.message.id", text: item.id),
      .init("messaging.message.conversation_id", text: item.properties.correlationID?.description),
      .init("amqp_job.queue", text: item.queue), .init("amqp_job.step", text: record.step),
    ]
    var attributes = common + optional.compactMap(\.self)
    attributes += [
      .init("messaging.message.body.size", .integer(Int64(clamping: item.bodySize))),
      .init("amqp_job.attempt", .integer(Int64(item.attempt))), .init("amqp_job.settlement", .text(record.settlement)),
    ]
    if case .exited(let code)? = record.status { attributes.append(.init("process.exit.code", .integer(Int64(code)))) }
    return attributes
  }

  /// The conventions' name of a queue and of the way to it: `EXCHANGE:ROUTING KEY:QUEUE`, without what is empty, and
  /// without a routing key that is the queue.
  private static func destination(_ publish: FirstPublish, _ queue: String) -> String {
    let (exchange, key) = (publish.exchange.description, publish.routingKey.description)
    return [exchange, key == queue ? "" : key, queue].filter { !$0.isEmpty }.joined(separator: ":")
  }

  private static func failure(_ record: JobRecord) -> Span.Failure? {
    guard let type = record.errorType else {
      return record.isSettled ? nil : Span.Failure(type: "not_settled", message: "it may be run again")
    }
    let message =
      switch record.status {
      case .exited(let code)? where code != 0: "the worker exited with \(code)"
      case .killed(let signal)?: "the worker was killed by \(signal)"
      default: type
      }
    return Span.Failure(type: type, message: message)
  }
}

extension WorkItem {
  /// The span that published the item, as its headers say. nil if they say none, or one that is invalid.
  var parentSpan: SpanContext? {
    properties.headers?["traceparent"]?.scalarBytes.flatMap { SpanContext(traceParent: $0) }
  }
}
