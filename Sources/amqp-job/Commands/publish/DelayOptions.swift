import AMQP
import Arguments
import Broker
import Console
import Linux
import Publishing

/// The options of `publish` that put items into their queue later.
struct DelayOptions {
  static let delay = Option("delay", .delay, "put each item into the queue this long after it is published")
    .known(as: "countdown", "after", "in")
  static let at = Option("at", .time, "put the items into the queue at this time, such as 2026-02-28T23:59:58Z")
    .known(as: "eta", "time")
  static let options: [any CommandOption] = [delay, at]

  /// The longest delay, for people.
  fileprivate static let limit = "\(DelayLadder.maxDelay.components.seconds / 3600)h, about 388 days"

  let dueTime: DueTime
  /// The option that the user gave, as messages name it.
  private let name: String

  /// nil if the items go into their queue at once.
  /// - Throws: `UsageError`
  init?(_ settings: inout Settings, _ destination: Destination, _ reporter: Reporter) throws {
    let (delay, time) = (try settings.value(Self.delay), try settings.value(Self.at))
    guard delay == nil || time == nil else {
      throw UsageError("\(settings.naming(Self.delay)) and \(settings.naming(Self.at)) exclude each other")
    }
    guard delay != nil || time != nil else { return nil }
    name = time == nil ? settings.naming(Self.delay) : settings.naming(Self.at)
    guard !destination.isDirectReply else { throw UsageError("\(name) does not go with a direct reply") }
    guard destination.exchange.isEmpty else {
      throw UsageError("\(name) goes with a queue: an exchange cannot be reached later")
    }
    let left = delay ?? .seconds(Double(time ?? 0) - ThisProcess.timeOfDay)
    if time != nil, left <= .zero {
      reporter.report(LogEntry(.notice, "the time of \(name) has passed: items go into the queue at once"))
    }
    guard left > .zero else { return nil }
    guard left <= DelayLadder.maxDelay else { throw UsageError("\(name) is at most \(Self.limit) ahead") }
    guard DelayLadder.takes(destination.routingKey) else {
      throw UsageError(
        "\(name) needs a queue whose name has at most \(DelayLadder.maxNameSize) bytes, of which '.', '*', '#' and '%' count three "
          + "times")
    }
    dueTime = time == nil ? .after(left) : .at(.now + left)
  }

  /// Refuses properties of all items with which they would not be delayed.
  /// - Throws: `UsageError`
  func check(_ properties: BasicProperties) throws {
    if let what = Self.obstacle(in: properties) { throw UsageError("\(name) excludes \(what)") }
  }

  /// Refuses a limit for results that ends before the last item is due. It begins when all items are published, and nobody knows
  /// how long that will be before a given time.
  /// - Throws: `UsageError`
  func check(timeout: Duration) throws {
    guard case .after(let delay) = dueTime, timeout < delay else { return }
    throw UsageError(
      "\(ResultWait.timeout) \(timeout.text) ends before the items are due (\(name)), so no result can come in time")
  }

  /// Why an item with these properties cannot be published; nil if it can.
  func objection(to properties: BasicProperties) -> String? {
    Self.obstacle(in: properties).map { "the item has \($0), which \(name) excludes" }
  }

  /// An expiration would end the delay, and these headers are for the broker, which follows or counts them on the way. In a quorum
  /// queue of RabbitMQ 4.0, a message of a higher priority than this keeps those before it from being dead-lettered.
  private static func obstacle(in properties: BasicProperties) -> String? {
    if properties.expiration != nil { return "an expiration" }
    if properties.priority ?? 0 > 4 { return "a priority above 4" }
    let names = properties.headers?.entries.map(\.name.description) ?? []
    return names.first(where: BasicProperties.isBrokerHeader).map { "the header \($0)" }
  }

  /// Makes the publisher delay its items. Their age counts from the time at which they are due.
  func apply(to configuration: inout BatchConfiguration) {
    configuration.delay(dueTime, now: .now)
    let delay = UInt64(dueTime.maxSeconds(now: .now))
    let end = ThisProcess.time + delay
    configuration.timestamp =
      switch dueTime {
      case .after: { ThisProcess.time + delay }
      case .at: { end }
      }
  }

  /// The failure of a publication, with the permissions that it lacked.
  func explained(_ failure: Failure, _ end: Publication.End) -> Failure {
    guard case .channel(let reason) = end, reason.code == .accessRefused else { return failure }
    return failure.adding(
      "; \(name) needs the permissions to configure, write and read \(DelayLadder.names), through which the items go")
  }
}

extension ValueType where Value == Duration {
  fileprivate static var delay: Self {
    duration.limited("is at most \(DelayOptions.limit)") { $0 <= DelayLadder.maxDelay }
  }
}

extension ValueType where Value == UInt64 {
  fileprivate static var time: Self {
    Self("TIME", expected: "a time such as 2026-02-28T23:59:58Z") { text in
      // An item that is due within a second does not come before that second has ended.
      seconds(since1970: text).map { $0 + (text.contains(".") ? 1 : 0) }
    }
  }
}
