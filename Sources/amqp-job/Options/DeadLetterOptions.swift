import AMQP
import Arguments
import Broker
import Console
import Linux

/// Which dead letters are meant.
enum DeadLetterOptions {
  static let options = [
    Option("id", value: "ID", "only items with this message id").repeatable.everyday,
    Option("position", value: "N,M-K", "only those at these places, as list has them").everyday,
    Option("reason", value: "REASON", "only those with this reason, as list has it").everyday,
    Option("older-than", value: "DURATION", "only those dead-lettered so long ago").everyday,
    Option("since", value: "TIME", "only those since 2026-02-28T23:59:58Z, or for 2h").everyday,
    Option("where", value: "HEADER=VALUE", "only those with this header").repeatable.everyday,
  ]

  static var names: Set<String> { Set(options.map(\.name)) }

  /// - Throws: `Failure`
  static func filter(_ settings: inout Settings) throws -> DeadLetterFilter {
    let now = ThisProcess.time
    func ago(_ duration: Duration) -> UInt64 {
      let seconds = UInt64(clamping: duration.wholeMilliseconds / 1000)
      return now < seconds ? 0 : now - seconds
    }
    var filter = DeadLetterFilter()
    filter.ids = Set(try settings.list("id").map(\.text))
    filter.positions = try settings.value("position", "positions such as 3,7-9, 1 the first") {
      NumberRanges.parse($0, in: 1...Int.max).flatMap { Positions($0) }
    }
    filter.reason = try settings.text("reason")
    filter.latest = try settings.duration("older-than").map(ago)
    filter.earliest = try settings.value("since", "a time such as 2026-02-28T23:59:58Z, or a duration such as 2h") {
      seconds(since1970: $0) ?? Duration(parsing: $0).map(ago)
    }
    filter.headers = try settings.list("where").map(header)
    return filter
  }

  /// A filter that means one item.
  /// - Throws: `Failure`, `UsageError`
  static func filterOfOne(_ settings: inout Settings) throws -> DeadLetterFilter {
    var filter = DeadLetterFilter()
    let ids = try settings.list("id").map(\.text)
    let position = try settings.count("position", upTo: .max)
    guard ids.count + (position == nil ? 0 : 1) == 1 else {
      throw UsageError("show takes the --id or the --position of one item")
    }
    filter.ids = Set(ids)
    filter.positions = position.flatMap { Positions([$0...$0]) }
    return filter
  }

  private static func header(_ setting: Setting) throws -> DeadLetterFilter.Header {
    let parts = setting.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw Failure(.usage, "\(setting.source) is to be HEADER=VALUE, not '\(setting.text)'")
    }
    return .init(name: ByteString(String(parts[0])), value: ByteString(String(parts[1])))
  }
}
