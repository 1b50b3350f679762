package import AMQP
package import Linux

/// Files, each of which is an item. The header `filename` contains the last component of the path, like the `filename`
/// of a MIME part. The path `-` stands for standard input, which has no name.
package struct FileItems: ItemSource {
  package static let standardInput = "-"
  static let nameHeader: ByteString = "filename"
  /// A larger file is read only while it is sent, and stays open until then.
  private static let maxSizeInMemory: UInt64 = 65_536

  private var paths: ArraySlice<[UInt8]>
  private let defaults: BasicProperties
  private let directory: String
  /// Standard input while it is the next item.
  private var input: WholeInput?

  /// `defaults` are the other properties of each item. A `filename` header in them, in upper or lower case, is not
  /// replaced. Standard input that is large is kept in a file in `directory`.
  package init(paths: [[UInt8]], defaults: BasicProperties, directory: String) {
    self.paths = paths[...]
    self.defaults = defaults
    self.directory = directory
  }

  package var interest: PollInterest? { input?.interest }
  package var isAtEnd: Bool { paths.isEmpty && input == nil }

  package mutating func next() throws(InputError) -> ItemContent? {
    if input == nil, let path = paths.popFirst() {
      guard path.elementsEqual(Self.standardInput.utf8) else { return try content(of: path) }
      input = try WholeInput(spoolingIn: directory)
    }
    guard let content = input?.next() else { return nil }
    input = nil
    return content
  }

  package mutating func read() throws(InputError) { try input?.read() }

  private func content(of path: [UInt8]) throws(InputError) -> ItemContent {
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
