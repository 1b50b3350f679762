internal import Console

/// The message `ExportTraceServiceRequest` of OpenTelemetry's protocol, in its JSON encoding
/// (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).
package struct TraceRequest: Hashable, Sendable {
  /// What the spans are about: the service, its host.
  package var resource: [Span.Attribute]
  /// The program that made them.
  package var program: String
  package var version: String
  package var spans: [Span]

  package init(resource: [Span.Attribute], program: String, version: String, spans: [Span]) {
    (self.resource, self.program, self.version, self.spans) = (resource, program, version, spans)
  }

  package var json: [UInt8] {
    let scope = JSON.object([.init("name", .text(program)), .init("version", .text(version))])
    let scopeSpans = JSON.object([.init("scope", scope), .init("spans", .array(spans.map(Self.json)))])
    let resourceSpans = JSON.object([
      .init("resource", .object([.init("attributes", Self.json(resource))])),
      .init("scopeSpans", .array([scopeSpans])),
    ])
    return Array(JSON.object([.init("resourceSpans", .array([resourceSpans]))]).description.utf8)
  }

  private static let consumerKind: Int64 = 5
  private static let errorCode: Int64 = 2

  private static func json(_ span: Span) -> JSON {
    var members: [JSON.Member] = [
      .init("traceId", .text(span.context.traceID.text)), .init("spanId", .text(span.context.spanText)),
    ]
    if let state = span.traceState { members.append(.init("traceState", .text(state))) }
    if let parentID = span.parentID {
      let parent = SpanContext(traceID: span.context.traceID, spanID: parentID, isSampled: true)
      members.append(.init("parentSpanId", .text(parent.spanText)))
    }
    members += [
      .init("name", .text(span.name)), .init("kind", .integer(consumerKind)),
      // A number of 64 bits is a text in this encoding.
      .init("startTimeUnixNano", .text("\(span.start)")), .init("endTimeUnixNano", .text("\(span.end)")),
    ]
    let error = span.failure.map { [Span.Attribute("error.type", .text($0.type))] } ?? []
    members.append(.init("attributes", json(span.attributes + error)))
    if let failure = span.failure {
      members.append(
        .init("status", .object([.init("message", .text(failure.message)), .init("code", .integer(errorCode))])))
    }
    return .object(members)
  }

  private static func json(_ attributes: [Span.Attribute]) -> JSON {
    .array(
      attributes.map { attribute in
        let value: JSON.Member =
          switch attribute.value {
          case .text(let text): .init("stringValue", .text(text))
          case .integer(let number): .init("intValue", .text("\(number)"))
          }
        return .object([.init("key", .text(attribute.name)), .init("value", .object([value]))])
      })
  }
}
