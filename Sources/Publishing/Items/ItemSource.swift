internal import AMQP
package import Linux

/// Where items come from, in order.
package protocol ItemSource {
  /// What to wait for before `read` is worth calling; nil where `next` has all that there is.
  var interest: PollInterest? { get }

  /// What the next item consists of; nil until `read` has been called again, and at the end.
  /// - Throws: `InputError`
  mutating func next() throws(InputError) -> Content?

  /// Reads on.
  /// - Throws: `InputError`
  mutating func read() throws(InputError)

  /// Whether nothing follows what `next` has handed out.
  var isAtEnd: Bool { get }
}

/// What an item consists of.
package struct Content {
  /// Others than those that all items share.
  var properties: BasicProperties?
  let body: Body
  /// How much it takes to keep it, in bytes.
  let sizeInMemory: Int

  init(_ body: Body) {
    self.body = body
    sizeInMemory = body.isOpenFile ? 0 : Int(clamping: body.size)
  }

  init(_ body: Body, _ properties: BasicProperties, sizeInMemory: Int) {
    self.properties = properties
    self.body = body
    self.sizeInMemory = sizeInMemory
  }
}

/// Why there is no next item.
package struct InputError: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// It cannot be read, or kept.
    case unreadable
    /// It is not in the form in which it should be.
    case malformed
  }

  package var kind: Kind
  /// What it is that cannot be read, and why.
  package var reason: String
}
