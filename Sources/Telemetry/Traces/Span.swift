/// A unit of work in a trace, which is over. Its kind is that of one who consumes messages.
package struct Span: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case text(String)
    case integer(Int64)
  }

  package struct Attribute: Hashable, Sendable {
    package var name: String
    package var value: Value

    package init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }

    /// nil for a text that is missing or empty.
    package init?(_ name: String, text: String?) {
      guard let text, !text.isEmpty else { return nil }
      self.init(name, .text(text))
    }
  }

  package struct Failure: Hashable, Sendable {
    /// One of few words, as the attribute `error.type` has it.
    package var type: String
    /// For people.
    package var message: String

    package init(type: String, message: String) { (self.type, self.message) = (type, message) }
  }

  package var context: SpanContext
  /// The span of which this one is a child; nil at the root of a trace.
  package var parentID: UInt64?
  /// What other systems have written into the header `tracestate`.
  package var traceState: String?
  package var name: String
  /// In nanoseconds since 1970-01-01T00:00:00Z.
  package var start: UInt64
  package var end: UInt64
  package var attributes: [Attribute]
  /// nil if the work was done.
  package var failure: Failure?

  package init(
    _ name: String, _ context: SpanContext, parentID: UInt64?, traceState: String?, start: UInt64, end: UInt64,
    _ attributes: [Attribute], failure: Failure?
  ) {
    (self.name, self.context, self.parentID, self.traceState) = (name, context, parentID, traceState)
    (self.start, self.end, self.attributes, self.failure) = (start, end, attributes, failure)
  }
}
