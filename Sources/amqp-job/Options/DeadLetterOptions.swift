import AMQP
import Arguments
import Broker
import Console
import Linux

/// The options that select dead letters.
enum DeadLetterOptions {
  static let id = RepeatableOption("id", .text("ID"), "only items with this message id").common
  static let position = Option("position", .setting("N,M-K"), "only items at these positions, as list shows them")
    .common
  static let reason = Option("reason", .reason, "only items with this reason, as list shows it").common
  static let olderThan = Option("older-than", .duration, "only items dead-lettered at least this long ago").common
  static let since = Option("since", .pastTime, "only items since 2026-02-28T23:59:58Z, or 2h ago").common
  static let header = RepeatableOption("where", .header, "only items with this header").common

  static let options: [any CommandOption] = [id, position, reason, olderThan, since, header]

  /// - Throws: `UsageError`
  static func filter(_ settings: inout Settings) throws -> DeadLetterFilter {
    var filter = DeadLetterFilter()
    filter.ids = Set(try settings.values(id))
    filter.positions = try settings.value(position).map(ValueType<Positions>.positions.read)
    filter.reason = try settings.value(reason)
    filter.latest = try settings.value(olderThan).map(secondsSince1970(before:))
    filter.earliest = try settings.value(since)
    filter.headers = try settings.values(header)
    return filter
  }

  /// A filter that selects one item.
  /// - Throws: `UsageError`
  static func filterOfOne(_ settings: inout Settings) throws -> DeadLetterFilter {
    var filter = DeadLetterFilter()
    let ids = try settings.values(id)
    let position = try settings.value(position).map(ValueType<Int>.count().read)
    guard ids.count + (position == nil ? 0 : 1) == 1 else {
      throw UsageError("show takes the \(id) or the \(Self.position) of one item")
    }
    filter.ids = Set(ids)
    filter.positions = position.flatMap { Positions([$0...$0]) }
    return filter
  }

  fileprivate static func secondsSince1970(before duration: Duration) -> UInt64 {
    let now = ThisProcess.time
    let seconds = UInt64(clamping: duration.wholeMilliseconds / 1000)
    return now < seconds ? 0 : now - seconds
  }
}

extension ValueType where Value == ReasonFilter {
  fileprivate static var reason: Self {
    Self(
      "REASON",
      read: { (setting) throws(UsageError) in
        if let reason = ReasonFilter(setting.text) { return reason }
        let shown = ReasonFilter.shown
        let suggestion = Suggestion(for: String(setting.text.prefix { $0 != "(" }), among: shown + ReasonFilter.words)
        throw UsageError(
          setting.error(expected: "one of " + shown.joined(separator: ", ")).description
            + (suggestion.map { ": did you mean '\($0.word)'?" } ?? ""))
      }, text: { "\($0)" }
    ).offering(ReasonFilter.words)
  }
}

extension ValueType where Value == Positions {
  fileprivate static var positions: Self {
    Self("N,M-K", expected: "positions such as 3,7-9, 1 the first") {
      NumberRanges.parse($0, in: 1...Int.max).flatMap { Positions($0) }
    }
  }
}

extension ValueType where Value == UInt64 {
  /// A time, or how long ago it is, read as seconds since 1970.
  fileprivate static var pastTime: Self {
    Self("TIME", expected: "a time such as 2026-02-28T23:59:58Z, or a duration such as 2h") {
      seconds(since1970: $0) ?? Duration(parsing: $0).map(DeadLetterOptions.secondsSince1970(before:))
    }
  }
}

extension ValueType where Value == DeadLetterFilter.Header {
  fileprivate static var header: Self {
    Self("HEADER=VALUE", expected: "HEADER=VALUE") { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { return nil }
      return .init(name: ByteString(String(parts[0])), value: ByteString(String(parts[1])))
    }
  }
}
