public import AMQP
internal import Linux

/// Puts the parts of large bodies into files as they come, for one channel: there the parts of one body come before
/// the next one's.
public struct BodySpool {
  private let directory: String
  /// The body of which not every part has come yet; what went wrong with it is told with its delivery.
  private var file: Result<SpoolFile, any Error>?

  public init(directory: String) { self.directory = directory }

  /// Takes the next part of a body of `size` bytes in all.
  public mutating func append(_ part: [UInt8], of size: UInt64) {
    do {
      switch file {
      case nil:
        let new = try SpoolFile(size: size, in: directory)
        file = .success(new)
        try new.append(part)
      case .success(let file)?: try file.append(part)
      case .failure?: break
      }
    } catch {
      // The rest comes all the same, and is let go.
      file = .failure(error)
    }
  }

  /// The body of an item, whose last part has come.
  /// - Throws: `SystemError`
  public mutating func body(of delivery: Delivery) throws -> ItemBody {
    defer { file = nil }
    let body = try file.map { ItemBody.file(try $0.get()) } ?? .memory(delivery.body)
    precondition(body.size == delivery.bodySize, "parts are missing, or another body's")
    return body
  }
}
