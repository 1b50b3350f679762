package import AMQP
package import Linux

/// What goes on beside a publication, in the same loop. It never blocks.
package protocol Companion: AnyObject {
  /// What to wait for. It stays the same until the next call of `process`.
  var interests: [PollInterest] { get }
  /// The latest time for the next call of `process`.
  var deadline: ContinuousClock.Instant? { get }
  /// Whether more items are of any use.
  var wantsItems: Bool { get }

  /// Takes the readiness of each of `interests`, in their order.
  func process(_ readiness: ArraySlice<PollReadiness>)

  /// The item with this number and message id is going to be published.
  func took(_ number: Int, id: ByteString?)
}
