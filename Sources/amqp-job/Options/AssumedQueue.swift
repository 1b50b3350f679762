import Broker

/// What a user vouches for who may not ask the broker: a durable queue that outlives its consumers.
enum AssumedQueue: String, CaseIterable {
  /// It stands alone.
  case classic
  case quorum
  /// It has the retry and the dead-letter queue that `amqp-job declare` makes.
  case declared

  var standing: QueueTopology {
    switch self {
    case .classic: .plain(.classic)
    case .quorum: .plain(.quorum)
    case .declared: .declared
    }
  }
}
