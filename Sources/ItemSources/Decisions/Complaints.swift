internal import AMQP
internal import Console

/// Says what is wrong with a source: once for each reason, and not at each poll. It also says when all is well again.
struct Complaints: Sendable {
  private let source: String
  private var sourceReason: String?
  private var itemFailure: Poll.Failure?
  private var pollReason: String?
  private var flaw: String?

  init(_ source: String) { self.source = source }

  /// The list could be read, or could not because of `reason`.
  mutating func listed(_ reason: String?) -> [LogEntry] {
    guard reason != sourceReason else { return [] }
    defer { sourceReason = reason }
    guard let reason else { return [LogEntry(.notice, "the source \(source) can be read again")] }
    return [LogEntry(.warning, "the source \(source) cannot be read: \(reason); trying again")]
  }

  /// The list has a name that cannot be one.
  mutating func flawed(_ flaw: String?) -> [LogEntry] {
    defer { self.flaw = flaw }
    guard let flaw, flaw != self.flaw else { return [] }
    return [LogEntry(.warning, "the source \(source): \(flaw); it is left out")]
  }

  /// A poll has ended in which these items could not be read, or in which the source failed.
  mutating func polled(_ failures: [Poll.Failure], sourceFailure: String?) -> [LogEntry] {
    defer { (itemFailure, pollReason) = (failures.first, sourceFailure) }
    if let sourceFailure {
      return sourceFailure == pollReason
        ? [] : [LogEntry(.warning, "the source \(source) cannot be read: \(sourceFailure); trying again")]
    }
    guard failures.first != itemFailure, let line = Self.describe(failures, of: source) else { return [] }
    return [LogEntry(.warning, "\(line); trying again")]
  }

  /// nil if there is no failure.
  static func describe(_ failures: [Poll.Failure], of source: String) -> LogMessage? {
    failures.first.map { first in
      let others = failures.count == 1 ? "" : " (and \((failures.count - 1).counted("other item")))"
      return "item '\(first.name)' of the source \(source)\(others) cannot be read: \(first.reason)"
    }
  }
}
