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

  /// Input of more than 1 MiB is kept in a file in `directory`, unless standard input is a file already.
  package init(spoolingIn directory: String) throws(InputError) {
    try self.init(maxSizeInMemory: 1 << 20, directory: directory)
  }

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
