package import AMQP
package import Linux

/// Items that are there already, as arguments are.
package struct GivenItems: ItemSource {
  private var bodies: ArraySlice<[UInt8]>

  package init(_ bodies: [[UInt8]]) { self.bodies = bodies[...] }

  package var interest: PollInterest? { nil }
  package var isAtEnd: Bool { bodies.isEmpty }

  package mutating func next() -> Content? {
    bodies.popFirst().map { Content(.memory($0)) }
  }

  package mutating func read() {}
}

/// The pieces of standard input that a delimiter ends, such as lines; the last may lack it.
package struct DelimitedItems: ItemSource {
  /// In bytes: what RabbitMQ can be configured to take at most (`max_message_size`).
  private static let largest = 512 << 20

  private let input: DelimitedReader
  private let end: [UInt8]
  private var rest: [UInt8]?
  private var hasEnded = false

  /// `end` is added to each that the delimiter ended.
  package init(delimiter: UInt8, end: [UInt8] = []) {
    input = DelimitedReader(delimiter: delimiter)
    self.end = end
  }

  package var interest: PollInterest? { hasEnded ? nil : input.interest }
  package var isAtEnd: Bool { hasEnded && rest == nil }

  package mutating func next() throws(InputError) -> Content? {
    nextPiece().map { Content(.memory($0)) }
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
    guard input.pendingCount <= Self.largest else {
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

/// All of standard input, as one item.
package struct WholeInput: ItemSource {
  private let limit: Int
  private let directory: String
  private var collected: Body?
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private var hasEnded = false

  /// What is longer than `limit` bytes is kept in a file in `directory`, if it is not one already.
  /// - Throws: `InputError`
  package init(largestInMemory limit: Int = .max, directory: String = "") throws(InputError) {
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

  package mutating func next() -> Content? {
    guard hasEnded, let body = collected else { return nil }
    collected = nil
    return Content(body)
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

/// Files, an item each. Its header `filename` has the last component of the file's path, as a MIME part's `filename` has.
package struct FileItems: ItemSource {
  static let nameHeader: ByteString = "filename"
  /// What is larger is not read before it is sent, and stays open until then.
  private static let largestInMemory: UInt64 = 65_536

  private var paths: ArraySlice<[UInt8]>
  private let defaults: BasicProperties

  /// What the items have besides is in `defaults`; a header there of the same name, in whatever case, stands.
  package init(paths: [[UInt8]], defaults: BasicProperties) {
    self.paths = paths[...]
    self.defaults = defaults
  }

  package var interest: PollInterest? { nil }
  package var isAtEnd: Bool { paths.isEmpty }

  package mutating func next() throws(InputError) -> Content? {
    guard let path = paths.popFirst() else { return nil }
    let name = String(decoding: path, as: UTF8.self)
    do {
      guard let file = try InputFile(path: path) else {
        throw InputError(kind: .unreadable, reason: "\(name): not a regular file (--whole reads a pipe)")
      }
      let properties = named(path)
      guard file.size > Self.largestInMemory else {
        let bytes = try file.read(at: 0, atMost: Int(file.size))
        return Content(.memory(bytes), properties, sizeInMemory: bytes.count)
      }
      return Content(.file(file), properties, sizeInMemory: 0)
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(kind: .unreadable, reason: "\(name): \(SystemError.reason(of: error))")
    }
  }

  package mutating func read() {}

  private func named(_ path: [UInt8]) -> BasicProperties {
    var headers = defaults.headers ?? [:]
    // A worker's environment has one variable for all of them.
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
