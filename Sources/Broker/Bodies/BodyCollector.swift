package import AMQP
package import Linux

/// Collects the parts of large bodies in files, as they arrive on one channel. On a channel the parts of one body
/// arrive before those of the next.
package struct BodyCollector {
  private let directory: String
  private let maxSize: UInt64
  /// The message whose body is arriving.
  package private(set) var announced: Delivery?
  private var file: SpoolFile?
  /// The body that is arriving, if it cannot be stored.
  package private(set) var streamed: StreamedBody?

  /// Bodies of more than `maxSize` bytes are not stored.
  package init(directory: String, maxSize: UInt64 = .max) { (self.directory, self.maxSize) = (directory, maxSize) }

  /// Forgets what has arrived of a body.
  package mutating func discard() { self = BodyCollector(directory: directory, maxSize: maxSize) }

  /// Begins the next body.
  package mutating func announce(_ delivery: Delivery) {
    discard()
    announced = delivery
  }

  /// Takes the next part of a body that has `size` bytes in all. Throws when the body cannot be stored. After
  /// that, `streamed` takes the rest of it without an error.
  package mutating func append(_ part: [UInt8], of size: UInt64) throws(SystemError) {
    if let streamed { return streamed.append(part) }
    do throws(SystemError) {
      guard size <= maxSize else { throw SystemError.tooLarge }
      let file = if let file { file } else { try SpoolFile(size: size, in: directory) }
      self.file = file
      try file.append(part)
    } catch {
      streamed = StreamedBody(size: size, stored: file)
      streamed?.append(part)
      throw error
    }
  }

  /// Returns the body of a message that is now complete. The result is nil if the body could not be stored.
  package mutating func body(of delivery: Delivery) -> ReceivedBody? {
    defer { discard() }
    guard streamed == nil else { return nil }
    let body = file.map { ReceivedBody.file($0) } ?? .memory(delivery.body)
    precondition(body.size == delivery.bodySize, "the body is incomplete, or belongs to another message")
    return body
  }
}
