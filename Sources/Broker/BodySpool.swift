package import AMQP
internal import Linux

/// Puts the parts of large bodies into files as they come, for one channel: there the parts of one body come before
/// the next one's.
package struct BodySpool {
  private let directory: String
  private let largest: UInt64
  /// The message of which not every part has come yet.
  package private(set) var announced: Delivery?
  private var file: SpoolFile?
  /// What is left of a body that cannot be stored.
  package private(set) var passing: PassingBody?

  package init(directory: String, largest: UInt64 = .max) { (self.directory, self.largest) = (directory, largest) }

  /// Begins with the next body.
  package mutating func announce(_ delivery: Delivery) {
    self = BodySpool(directory: directory, largest: largest)
    announced = delivery
  }

  /// Takes the next part of the body, which has `size` bytes in all.
  /// - Throws: `SystemError`, once: from then on the body is `passing`.
  package mutating func append(_ part: [UInt8], of size: UInt64) throws {
    if let passing { return passing.append(part) }
    do {
      guard size <= largest else { throw SystemError.tooLarge }
      let file = try self.file ?? SpoolFile(size: size, in: directory)
      self.file = file
      try file.append(part)
    } catch {
      passing = PassingBody(size: size, stored: file)
      passing?.append(part)
      throw error
    }
  }

  /// The body of an item whose last part has come; nil for one that could not be stored.
  package mutating func body(of delivery: Delivery) -> ItemBody? {
    defer { self = BodySpool(directory: directory, largest: largest) }
    guard passing == nil else { return nil }
    let body = file.map { ItemBody.file($0) } ?? .memory(delivery.body)
    precondition(body.size == delivery.bodySize, "parts are missing, or another body's")
    return body
  }
}
