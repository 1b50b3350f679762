internal import AMQP

/// A candidate's part in the election over one connection.
struct Membership: Sendable {
  /// A state that was published, until it is proven: confirmed, and delivered back.
  struct Attempt: Hashable, Sendable {
    let state: ElectionMessage.State
    let sentAt: ContinuousClock.Instant
    var isConfirmed = false
    /// The tag with which it was delivered back.
    var deliveryTag: UInt64?
  }

  let replyTo: ByteString
  /// The number of the first question over this connection.
  let firstNumber: Int64
  /// Own questions came back, so this is the active candidate, and has got everything that was there before.
  var isActive = false
  /// The queue has delivered something, so a question is on its way that will come back.
  var isActivating = false
  /// The delivery tags of the states that are here, in order.
  var held: [UInt64] = []
  var attempt: Attempt?
  /// When the next renewal is due, or the next question of a standby.
  var next: ContinuousClock.Instant

  init(replyTo: ByteString, firstNumber: Int64, next: ContinuousClock.Instant) {
    (self.replyTo, self.firstNumber, self.next) = (replyTo, firstNumber, next)
  }
}
