import Broker

/// How far items have come that the broker has confirmed.
enum Arrival {
  case inQueue
  /// They get to their queue when they are due.
  case delayed
}

extension Destination {
  /// The place of the items that the broker accepted.
  func whereItemsAre(_ arrival: Arrival) -> String {
    switch arrival {
    case .inQueue: exchange.isEmpty ? "in the queue" : "in a queue"
    case .delayed: "delayed for the queue"
    }
  }

  /// What leads from items that the broker accepted to the name of their destination.
  func relation(_ arrival: Arrival) -> String {
    switch arrival {
    case .inQueue: exchange.isEmpty ? "in" : "in a queue, through"
    case .delayed: "delayed for"
    }
  }
}
