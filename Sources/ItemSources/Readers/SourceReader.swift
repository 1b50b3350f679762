internal import AMQP
internal import Linux

/// Reads a source, without ever blocking for long. There is one question at a time.
protocol SourceReader: AnyObject {
  /// What to wait for while a question is open.
  var interests: [PollInterest] { get }
  var deadline: ContinuousClock.Instant? { get }

  /// Asks for the names. The answer is nil if it comes later, from `process`.
  func list() -> SourceAnswer?
  /// Asks for an item.
  func fetch(_ name: ByteString) -> SourceAnswer?
  /// Takes the readiness of each of `interests`, in their order.
  func process(_ readiness: ArraySlice<PollReadiness>) -> SourceAnswer?
  /// A child of this process has ended.
  func childEnded() -> SourceAnswer?
  /// Ends what is under way.
  func stop()
}

extension SourceReader {
  var interests: [PollInterest] { [] }
  var deadline: ContinuousClock.Instant? { nil }
  func process(_ readiness: ArraySlice<PollReadiness>) -> SourceAnswer? { nil }
  func childEnded() -> SourceAnswer? { nil }
  func stop() {}
}

enum SourceAnswer {
  case list(SourceList)
  case item(ByteString, FetchedItem)
}
