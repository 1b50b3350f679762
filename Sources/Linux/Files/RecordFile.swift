import Glibc

/// A file that holds one small record. Its writer replaces the record repeatedly, each time with a single write, so that a
/// reader always finds a complete record. A link is never followed: if other users can write to the directory, their link
/// could lead to any file.
package final class RecordFile {
  /// The path is a link, so the file is neither read nor written.
  package enum LinkError: Error, CustomStringConvertible {
    case symbolicLink
    /// The file has more than one name.
    case hardLink

    package var description: String {
      switch self {
      case .symbolicLink: "it is a symbolic link"
      case .hardLink: "it is a hard link: the file also has another name"
      }
    }
  }

  private let path: String
  private let descriptor: Descriptor

  /// Creates the file, or takes over an existing file if `isOurs` accepts its content.
  /// - Throws: `LinkError` or `SystemError`. The code is EEXIST if the path is another file.
  package init(_ path: String, isOurs: ([UInt8]) -> Bool) throws {
    self.path = path
    descriptor = try Self.open(path, O_RDWR | O_CREAT)
    guard try descriptor.status().st_nlink <= 1 else { throw LinkError.hardLink }
    let content = try Self.content(of: descriptor)
    guard content.isEmpty || isOurs(content) else { throw SystemError(call: "open", code: EEXIST) }
  }

  /// Writes the record over the previous one. All records of a file must have the same size.
  package func replace(with record: [UInt8]) throws(SystemError) {
    let count = retryingOnInterrupt {
      record.withUnsafeBytes { pwrite(descriptor.number, $0.baseAddress, $0.count, 0) }
    }
    guard count >= 0 else { throw SystemError("pwrite") }
    guard count == record.count else { throw SystemError(call: "pwrite", code: ENOSPC) }
  }

  package func remove() { unlink(path) }

  /// The content of the file, but at most 4 KiB of it.
  /// - Throws: `LinkError` or `SystemError`.
  package static func read(_ path: String) throws -> [UInt8] { try content(of: open(path, O_RDONLY)) }

  /// Opens a regular file without following links and without waiting for the other end of a named pipe.
  private static func open(_ path: String, _ flags: Int32) throws -> Descriptor {
    let always = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    let number = Glibc.open(path, flags | always, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
    guard number >= 0 else {
      let error = SystemError("open")
      throw error.code == ELOOP && isSymbolicLink(path) ? LinkError.symbolicLink : error
    }
    let descriptor = Descriptor(owning: number)
    guard try descriptor.status().st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EEXIST) }
    return descriptor
  }

  private static func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  private static func content(of descriptor: Descriptor) throws(SystemError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    guard case .bytes(let count) = try descriptor.read(into: &buffer) else { return [] }
    return Array(buffer[..<count])
  }
}
