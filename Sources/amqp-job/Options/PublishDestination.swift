import AMQP
import Arguments
import Broker

/// The options that say where `publish` puts its items: into a queue, or to an exchange, which routes them to queues.
enum PublishDestination {
  static let exchange = Option("exchange", .name("NAME"), "publish to this exchange instead of to a queue").common
  static let routingKey = Option("routing-key", .name("KEY"), "routing key (default none)")

  static let options: [any CommandOption] = [QueueName.option, exchange, routingKey]

  /// The destination that the settings name. An option outweighs the variable of the other.
  /// - Throws: `UsageError`
  static func resolved(_ settings: inout Settings) throws -> Destination {
    let isQueueGiven = settings.isGiven(QueueName.option)
    guard !isQueueGiven || !settings.isGiven(Self.exchange) else {
      throw UsageError("\(QueueName.option) and \(Self.exchange) exclude each other")
    }
    guard !isQueueGiven, let exchange = try settings.value(Self.exchange) else {
      guard !settings.isGiven(Self.routingKey) else {
        throw UsageError("\(Self.routingKey) goes with \(Self.exchange)")
      }
      return .queue(try QueueName.resolved(&settings))
    }
    guard !exchange.isEmpty else {
      throw UsageError("\(Self.exchange) has no name; to publish through the default exchange, use \(QueueName.option)")
    }
    let routingKey = try settings.value(Self.routingKey) ?? ""
    guard [exchange, routingKey].allSatisfy({ ShortString($0) != nil }) else {
      throw UsageError("\(Self.exchange) and \(Self.routingKey) have at most 255 bytes")
    }
    return Destination(exchange: exchange, routingKey: routingKey)
  }
}

extension Destination {
  /// The method that asks the broker whether the destination exists.
  var question: Method {
    exchange.isEmpty
      ? .queueDeclare(.init(name: ByteString(routingKey), isPassive: true))
      : .exchangeDeclarePassive(exchange: ByteString(exchange))
  }

  /// The name of the queue or exchange.
  var name: String { exchange.isEmpty ? routingKey : exchange }
}
