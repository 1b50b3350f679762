import Broker

/// A connection with a channel, for as long as it takes to do something with queues.
struct QueueConversation {
  static let channel: UInt16 = 1

  let queue: String
  let broker: BrokerOptions
  let reporter: Reporter

  /// - Throws: `BrokerFailure`, and `Failure` for any other error
  func hold(_ body: (BrokerSession) throws -> Void) throws {
    let session = try broker.connect(name: "amqp-job declare", reporter)
    defer { session.close() }
    do {
      try session.openChannel(Self.channel)
      try body(session)
    } catch let failure as BrokerFailure {
      throw failure
    } catch {
      throw Failure(error, queue: queue, broker: session.broker)
    }
  }
}
