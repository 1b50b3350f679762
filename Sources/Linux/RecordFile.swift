import Glibc

/// A small file that its writer replaces in one piece, again and again, so that who reads it at any moment finds the
/// whole of it. It is never reached through a link: in a directory that others write to, theirs would lead to any file.
package final class RecordFile {
  /// What is in the file's place, and is neither written to nor read.
  package enum Obstacle: Error, CustomStringConvertible {
    case symbolicLink
    /// The same file has another name.
    case hardLink

    package var description: String {
      switch self {
      case .symbolicLink: "it is a symbolic link"
      case .hardLink: "it is a hard link: the file has another name, too"
      }
    }
  }

  private let path: String
  private let descriptor: Descriptor

  /// Makes the file, or takes over the one that is there if `isOurs` says so of what it holds.
  /// - Throws: `Obstacle`, `SystemError`; its code is EEXIST where another file is there.
  package init(_ path: String, isOurs: ([UInt8]) -> Bool) throws {
    self.path = path
    descriptor = try Self.open(path, O_RDWR | O_CREAT)
    guard try Self.status(of: descriptor).st_nlink <= 1 else { throw Obstacle.hardLink }
    let content = try Self.content(of: descriptor)
    guard content.isEmpty || isOurs(content) else { throw SystemError(call: "open", code: EEXIST) }
  }

  /// Writes the record over the last one. All of them have the same size.
  /// - Throws: `SystemError`
  package func replace(with record: [UInt8]) throws(SystemError) {
    let count = retrying { record.withUnsafeBytes { pwrite(descriptor.number, $0.baseAddress, $0.count, 0) } }
    guard count >= 0 else { throw SystemError("pwrite") }
    guard count == record.count else { throw SystemError(call: "pwrite", code: ENOSPC) }
  }

  /// Removes the file.
  package func remove() { unlink(path) }

  /// What the file holds, at most 4 KiB.
  /// - Throws: `Obstacle`, `SystemError`
  package static func read(_ path: String) throws -> [UInt8] { try content(of: open(path, O_RDONLY)) }

  /// Neither waits for a pipe's other end nor takes what is no file.
  private static func open(_ path: String, _ flags: Int32) throws -> Descriptor {
    let always = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    let number = Glibc.open(path, flags | always, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
    guard number >= 0 else {
      let error = SystemError("open")
      throw error.code == ELOOP && isSymbolicLink(path) ? Obstacle.symbolicLink : error
    }
    let descriptor = Descriptor(owning: number)
    guard try status(of: descriptor).st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EEXIST) }
    return descriptor
  }

  private static func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  private static func status(of descriptor: Descriptor) throws -> stat {
    var status = stat()
    guard fstat(descriptor.number, &status) == 0 else { throw SystemError("fstat") }
    return status
  }

  private static func content(of descriptor: Descriptor) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    guard case .bytes(let count) = try descriptor.read(into: &buffer) else { return [] }
    return Array(buffer[..<count])
  }
}
