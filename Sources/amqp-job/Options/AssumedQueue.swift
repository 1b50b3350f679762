import Broker

/// What a user says that the queue is, so that the broker need not be asked: a durable queue that outlives its consumers.
enum AssumedQueue: String, CaseIterable {
  /// A classic queue without retry and dead-letter queues.
  case classic
  /// A quorum queue without retry and dead-letter queues.
  case quorum
  /// A queue with the retry and dead-letter queues that `amqp-job declare` makes.
  case declared

  var standing: QueueTopology {
    switch self {
    case .classic: .plain(.classic)
    case .quorum: .plain(.quorum)
    case .declared: .declared
    }
  }
}
