internal import Broker
internal import Linux

/// The bytes of one item, in memory or, where they are many, in a file.
enum ItemBody: BodySource {
  case memory([UInt8])
  /// Precondition: it is complete.
  case file(SpoolFile)

  var size: UInt64 {
    switch self {
    case .memory(let bytes): UInt64(bytes.count)
    case .file(let file): file.size
    }
  }

  /// - Throws: `SystemError`
  func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    switch self {
    case .memory(let bytes): Array(bytes.dropFirst(Int(clamping: offset)).prefix(max(0, count)))
    case .file(let file): try file.read(at: offset, count: count)
    }
  }
}

extension ItemBody {
  /// The same in a file with a name, for a worker to read.
  /// - Throws: `SystemError`
  func named(in directory: String) throws -> NamedFile {
    switch self {
    case .memory(let bytes): try NamedFile(bytes, in: directory)
    case .file(let file): try NamedFile(file, in: directory)
    }
  }
}

extension ProcessGroups {
  /// The input of a child that is still to be started.
  /// - Throws: `SystemError`
  func makeInput(_ body: ItemBody) throws -> ChildInput {
    switch body {
    case .memory(let bytes): try makeInput(bytes)
    case .file(let file): try makeInput(file)
    }
  }
}
