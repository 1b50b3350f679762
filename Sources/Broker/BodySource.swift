/// The body of a message that is to be published, wherever it is kept. It is read in pieces, as the broker takes them.
package protocol BodySource {
  var size: UInt64 { get }

  /// How much of it can be read by now: all of it, but for a body that is still on its way.
  var availableSize: UInt64 { get }

  /// The bytes from `offset` on, as many as there are, at most `count`.
  func read(at offset: UInt64, atMost count: Int) throws -> [UInt8]
}

extension BodySource {
  package var availableSize: UInt64 { size }
}
