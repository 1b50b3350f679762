package import AMQP
package import Linux

/// Items whose bodies are known from the start, such as arguments.
package struct GivenItems: ItemSource {
  private var bodies: ArraySlice<[UInt8]>

  package init(_ bodies: [[UInt8]]) { self.bodies = bodies[...] }

  package var interest: PollInterest? { nil }
  package var isAtEnd: Bool { bodies.isEmpty }

  package mutating func next() -> ItemContent? {
    bodies.popFirst().map { ItemContent(.memory($0)) }
  }

  package mutating func read() {}
}

/// The pieces of standard input between delimiters, such as lines. The last piece may lack its delimiter.
package struct DelimitedItems: ItemSource {
  /// The maximum size of an item in bytes, which is the highest value of RabbitMQ's `max_message_size`.
  private static let maxSize = 512 << 20

  private let input: DelimitedReader
  private let end: [UInt8]
  private var rest: [UInt8]?
  private var hasEnded = false

  /// `end` is appended to each item that the delimiter ended.
  package init(delimiter: UInt8, end: [UInt8] = []) {
    input = DelimitedReader(delimiter: delimiter)
    self.end = end
  }

  package var interest: PollInterest? { hasEnded ? nil : input.interest }
  package var isAtEnd: Bool { hasEnded && rest == nil }

  package mutating func next() throws(InputError) -> ItemContent? {
    nextPiece().map { ItemContent(.memory($0)) }
  }

  mutating func nextPiece() -> [UInt8]? {
    if var piece = input.next() {
      piece += end
      return piece
    }
    defer { rest = nil }
    return rest
  }

  package mutating func read() throws(InputError) {
    guard input.pendingCount <= Self.maxSize else {
      throw InputError(kind: .malformed, reason: "an item of standard input is above 512 MiB, which no broker takes")
    }
    do {
      guard try !input.read() else { return }
    } catch {
      throw InputError(kind: .unreadable, reason: "standard input: \(SystemError.reason(of: error))")
    }
    hasEnded = true
    rest = input.rest
  }
}

/// All of standard input as one item.
package struct WholeInput: ItemSource {
  private let limit: Int
  private let directory: String
  private var collected: InputBody?
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private var hasEnded = false

  /// Input of more than `limit` bytes is kept in a file in `directory`, unless standard input is a file already.
  package init(maxSizeInMemory limit: Int = .max, directory: String = "") throws(InputError) {
    self.limit = limit
    self.directory = directory
    do {
      collected = try InputFile.standardInput().map { .file($0) } ?? .memory([])
    } catch {
      throw InputError(kind: .unreadable, reason: "standard input: \(SystemError.reason(of: error))")
    }
    if case .file = collected { hasEnded = true }
  }

  package var interest: PollInterest? { hasEnded ? nil : StandardInput.interest }
  package var isAtEnd: Bool { hasEnded && collected == nil }

  package mutating func next() -> ItemContent? {
    guard hasEnded, let body = collected else { return nil }
    collected = nil
    return ItemContent(body)
  }

  package mutating func read() throws(InputError) {
    do {
      let count = try StandardInput.read(into: &buffer)
      hasEnded = count == 0
      try keep(Array(buffer[..<count]))
    } catch {
      throw InputError(kind: .unreadable, reason: "standard input: \(SystemError.reason(of: error))")
    }
  }

  private mutating func keep(_ bytes: [UInt8]) throws {
    switch collected {
    case .memory(var kept):
      collected = nil
      kept += bytes
      guard kept.count > limit else {
        collected = .memory(kept)
        return
      }
      let file = try TemporaryFile(in: directory)
      try file.append(kept)
      collected = .temporary(file)
    case .temporary(let file): try file.append(bytes)
    case .file, nil: break
    }
  }
}

/// Files, each of which is an item. The header `filename` contains the last component of the path, like the `filename`
/// of a MIME part.
package struct FileItems: ItemSource {
  static let nameHeader: ByteString = "filename"
  /// A larger file is read only while it is sent, and stays open until then.
  private static let maxSizeInMemory: UInt64 = 65_536

  private var paths: ArraySlice<[UInt8]>
  private let defaults: BasicProperties

  /// `defaults` are the other properties of each item. A `filename` header in them, in upper or lower case, is not
  /// replaced.
  package init(paths: [[UInt8]], defaults: BasicProperties) {
    self.paths = paths[...]
    self.defaults = defaults
  }

  package var interest: PollInterest? { nil }
  package var isAtEnd: Bool { paths.isEmpty }

  package mutating func next() throws(InputError) -> ItemContent? {
    guard let path = paths.popFirst() else { return nil }
    let name = String(decoding: path, as: UTF8.self)
    do {
      guard let file = try InputFile(path: path) else {
        throw InputError(kind: .unreadable, reason: "\(name): not a regular file (--whole reads a pipe)")
      }
      let properties = named(path)
      guard file.size > Self.maxSizeInMemory else {
        let bytes = try file.read(at: 0, atMost: Int(file.size))
        return ItemContent(.memory(bytes), properties, sizeInMemory: bytes.count)
      }
      return ItemContent(.file(file), properties, sizeInMemory: 0)
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(kind: .unreadable, reason: "\(name): \(SystemError.reason(of: error))")
    }
  }

  package mutating func read() {}

  private func named(_ path: [UInt8]) -> BasicProperties {
    var headers = defaults.headers ?? [:]
    // In a worker's environment, names that differ only in case become one variable.
    guard !headers.entries.contains(where: { $0.name.description.lowercased() == "\(Self.nameHeader)" }) else {
      return defaults
    }
    let name = path.split(separator: UInt8(ascii: "/")).last ?? []
    headers.append(Self.nameHeader, .string(ByteString(Array(name))))
    var properties = defaults
    properties.headers = headers
    return properties
  }
}
