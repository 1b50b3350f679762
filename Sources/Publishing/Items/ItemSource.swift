package import Linux

/// A source of items, in order.
package protocol ItemSource {
  /// What to wait for before `read` can make progress; nil if `next` needs no more input.
  var interest: PollInterest? { get }

  /// The content of the next item; nil at the end, and if `read` has to be called first.
  mutating func next() throws(InputError) -> ItemContent?

  /// Reads more of the input.
  mutating func read() throws(InputError)

  /// Whether `next` has returned the last item.
  var isAtEnd: Bool { get }
}

/// The reason why there is no next item.
package struct InputError: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// The input cannot be read or stored.
    case unreadable
    /// The input does not have the expected form.
    case malformed
    /// The input does not go with the options.
    case unsuitable
  }

  package var kind: Kind
  /// Names the input, and says what is wrong with it.
  package var reason: String
}
