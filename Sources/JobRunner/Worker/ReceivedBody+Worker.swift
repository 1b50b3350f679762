internal import Broker
internal import Linux

extension ReceivedBody {
  /// The same body in a file with a name, which a worker can read.
  /// - Throws: `SystemError`
  func named(in directory: String) throws -> NamedFile {
    switch self {
    case .memory(let bytes): try NamedFile(bytes, in: directory)
    case .file(let file): try NamedFile(file, in: directory)
    }
  }
}

extension ProcessGroups {
  /// The input of a child that will be started.
  /// - Throws: `SystemError`
  func makeInput(_ body: ReceivedBody) throws -> ChildInput {
    switch body {
    case .memory(let bytes): try makeInput(bytes)
    case .file(let file): try makeInput(file)
    }
  }
}
