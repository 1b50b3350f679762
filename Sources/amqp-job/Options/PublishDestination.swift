import AMQP
import Arguments
import Broker

/// Where `publish` puts its items: into a queue, or to an exchange, which knows the queues.
enum PublishDestination {
  static let options = [
    QueueName.option, Option("exchange", value: "NAME", "publish to this exchange instead of to a queue").everyday,
    Option("routing-key", value: "KEY", "with this routing key (default none)"),
  ]

  /// An option outweighs what the environment says of the other one.
  /// - Throws: `Failure`, `UsageError`
  static func resolved(_ settings: inout Settings) throws -> Destination {
    let isQueueGiven = settings.option("queue") != nil
    guard !isQueueGiven || settings.option("exchange") == nil else {
      throw UsageError("--queue and --exchange exclude each other")
    }
    guard !isQueueGiven, let exchange = try settings.name("exchange") else {
      guard settings.option("routing-key") == nil else { throw UsageError("--routing-key goes with --exchange") }
      return .queue(try QueueName.resolved(&settings))
    }
    guard !exchange.isEmpty else { throw UsageError("--exchange is without a name; to the default one leads --queue") }
    let routingKey = try settings.name("routing-key") ?? ""
    guard [exchange, routingKey].allSatisfy({ ShortString($0) != nil }) else {
      throw UsageError("--exchange and --routing-key have at most 255 bytes")
    }
    return Destination(exchange: exchange, routingKey: routingKey)
  }
}

extension Destination {
  /// Asks whether it is there.
  var question: Method {
    exchange.isEmpty
      ? .queueDeclare(.init(name: ByteString(routingKey), isPassive: true))
      : .exchangeDeclarePassive(exchange: ByteString(exchange))
  }

  /// As few words as tell it from others.
  var name: String { exchange.isEmpty ? routingKey : exchange }

  /// Where items are that were taken.
  var whereItemsAre: String { exchange.isEmpty ? "in the queue" : "in a queue" }
}
