import AMQP
import Arguments
import Broker
import Console
import Election
import ItemSources
import Linux

/// The options of `publish` that make it follow a source of items.
struct SourceOptions {
  static let from = Option(
    "from", .itemSource, "publish each name of a source, once"
  ).common
  static let every = DefaultedOption("every", .pollPeriod, default: .seconds(10)) {
    "with --from: the time between two looks at the source (default \($0))"
  }
  static let once = Flag("once", "with --from: end after one look at the source, as a CronJob does")
  static let dataField = Option(
    "data-field", .name("NAME"), "with --from: the body is this field of an item's data, not all of the data")
  static let lease = DefaultedOption("lease", .lease, default: Lead.lease.defaultValue) {
    "with --from: how long a publisher that has vanished is waited for (default \($0))"
  }

  static let group = OptionGroup("Sources", [from, every, once, dataField, lease])

  /// The options that say something else about what is published.
  private static let others: [any CommandOption] =
    [PublishDestination.exchange, PublishDestination.routingKey, PropertyOptions.messageID] + DelayOptions.options
    + ItemOptions.options
    + [ResultWait.wait, ResultWait.timeout, ResultWait.asCompleted, ResultWait.json]

  let source: SourceAddress
  let queue: String
  let period: Duration
  let isOnce: Bool
  let dataField: String?
  let plan: LeasePlan
  let properties: BasicProperties

  /// nil if no source is given.
  /// - Throws: `UsageError`
  init?(_ settings: inout Settings) throws {
    guard let source = try settings.value(Self.from) else {
      let own: [any CommandOption] = [Self.every, Self.once, Self.dataField, Self.lease]
      if let option = own.first(where: { settings.isGiven($0) }) {
        throw UsageError("\(option) goes with \(Self.from)")
      }
      return nil
    }
    if let other = Self.others.first(where: { settings.isGiven($0) }) {
      throw UsageError("\(settings.naming(Self.from)) and \(other) exclude each other")
    }
    guard settings.arguments.operands.isEmpty else {
      throw UsageError("\(settings.naming(Self.from)) names the items: give it no BODY")
    }
    self.source = source
    isOnce = try settings.value(Self.once)
    guard !isOnce || !settings.isGiven(Self.every) else {
      throw UsageError("\(Self.every) and \(Self.once) exclude each other")
    }
    period = try settings.value(Self.every)
    dataField = try settings.value(Self.dataField)
    if case .directory = source, dataField != nil {
      throw UsageError("\(settings.naming(Self.dataField)) does not go with dir:, whose files are the bodies")
    }
    queue = try QueueName.resolved(&settings)
    guard queue.utf8.count <= LedgerQueue.maxQueueNameSize else {
      throw UsageError("with \(Self.from), the name of the queue has at most \(LedgerQueue.maxQueueNameSize) bytes")
    }
    let lease = try settings.value(Self.lease)
    plan = LeasePlan(lease: lease, grace: lease / 3)
    var properties = try PropertyOptions.properties(&settings)
    properties.deliveryMode = 2
    self.properties = properties
  }
}

extension ValueType where Value == SourceAddress {
  fileprivate static var itemSource: Self {
    Self(
      "SOURCE",
      read: { (setting) throws(UsageError) in
        do { return try SourceAddress(parsing: setting.text) } catch {
          throw UsageError("\(setting.source) is no source: \(error)")
        }
      }, text: { "\($0)" })
  }
}

extension ValueType where Value == Duration {
  static var pollPeriod: Self {
    duration.limited("is from 100ms to 24h") { $0 >= .milliseconds(100) && $0 <= .seconds(86_400) }
  }
}
