import AMQP

@testable import Election

/// A queue with a single active consumer, as RabbitMQ has it. The session that has been there for longest is the active one. What
/// it has not settled goes back to the head when it ends.
struct SimulatedQueue {
  struct Delivery {
    let session: Int
    let tag: UInt64
    let message: ElectionMessage
  }

  private struct Held {
    let tag: UInt64
    let position: Int
    let message: ElectionMessage
  }

  private var ready: [(position: Int, message: ElectionMessage)] = []
  private var sessions: [Int] = []
  private var held: [Held] = []
  private var replyQueues: [ByteString: Int] = [:]
  private var nextPosition = 0
  private var lastTag: UInt64 = 0

  func has(_ session: Int) -> Bool { sessions.contains(session) }

  mutating func join(_ session: Int, replyTo: ByteString) -> [Delivery] {
    sessions.append(session)
    replyQueues[replyTo] = session
    return deliveries()
  }

  mutating func publish(_ message: ElectionMessage) -> [Delivery] {
    if case .answer(let answer) = message {
      guard let session = replyQueues[answer.replyTo], has(session) else { return [] }
      lastTag += 1
      return [Delivery(session: session, tag: lastTag, message: message)]
    }
    ready.append((nextPosition, message))
    nextPosition += 1
    return deliveries()
  }

  mutating func ack(_ tag: UInt64, by session: Int) {
    if session == sessions.first { held.removeAll { $0.tag == tag } }
  }

  mutating func end(_ session: Int) -> [Delivery] {
    guard let index = sessions.firstIndex(of: session) else { return [] }
    sessions.remove(at: index)
    guard index == 0 else { return [] }
    ready = held.map { ($0.position, $0.message) } + ready
    held = []
    return deliveries()
  }

  private mutating func deliveries() -> [Delivery] {
    guard let active = sessions.first else { return [] }
    defer { ready = [] }
    return ready.map { position, message in
      lastTag += 1
      held.append(Held(tag: lastTag, position: position, message: message))
      return Delivery(session: active, tag: lastTag, message: message)
    }
  }
}
