package import AMQP

/// What candidates tell each other through the broker.
package enum ElectionMessage: Hashable, Sendable {
  case ask(Ask)
  case state(State)
  case answer(Answer)

  /// A message that its sender recognises when it comes back. A candidate's numbers grow.
  package struct ID: Hashable, Sendable {
    package var candidate: ByteString
    package var number: Int64

    package init(candidate: ByteString, number: Int64) { (self.candidate, self.number) = (candidate, number) }
  }

  /// Asks the active candidate who leads. If it comes back to its sender, that is the active candidate, and it has got
  /// everything that was in the queue before.
  package struct Ask: Hashable, Sendable {
    package var id: ID
    /// The queue for the answer.
    package var replyTo: ByteString
    /// After this time nobody waits for the answer.
    package var expiry: Duration
  }

  /// What a candidate says of itself. Its last state stays in the queue.
  package struct State: Hashable, Sendable {
    package var id: ID
    package var name: ByteString
    package var epoch: Int64
    /// How long a successor has to wait, counted from the moment at which it gets this message. Zero means that it need not.
    package var wait: Duration
  }

  /// Tells who leads.
  package struct Answer: Hashable, Sendable {
    package var ask: ID
    package var replyTo: ByteString
    /// nil if nobody leads.
    package var leader: Leader?
    /// How long the leader's lease lasts, counted from the moment at which the question was sent.
    package var left: Duration
  }
}

/// A leader's name and the number of its leadership. Each leadership has a greater number than the ones before it.
package struct Leader: Hashable, Sendable {
  package var name: ByteString
  package var epoch: Int64

  package init(name: ByteString, epoch: Int64) { (self.name, self.epoch) = (name, epoch) }
}
