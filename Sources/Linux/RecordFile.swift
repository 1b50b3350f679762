import Glibc

/// A small file that its writer replaces in one piece, again and again, so that who reads it at any moment finds the
/// whole of it.
public final class RecordFile {
  private let path: String
  private let descriptor: Descriptor

  /// Makes the file, or takes over the one that is there if `isOurs` says so of what it holds.
  /// - Throws: `SystemError`; its code is EEXIST where another file is there.
  public init(_ path: String, isOurs: ([UInt8]) -> Bool) throws {
    self.path = path
    descriptor = try Self.open(path, O_RDWR | O_CREAT)
    let content = try Self.content(of: descriptor)
    guard content.isEmpty || isOurs(content) else { throw SystemError(call: "open", code: EEXIST) }
  }

  /// Writes the record over the last one. All of them have the same size.
  /// - Throws: `SystemError`
  public func replace(with record: [UInt8]) throws(SystemError) {
    let count = retrying { record.withUnsafeBytes { pwrite(descriptor.number, $0.baseAddress, $0.count, 0) } }
    guard count >= 0 else { throw SystemError("pwrite") }
    guard count == record.count else { throw SystemError(call: "pwrite", code: ENOSPC) }
  }

  /// Removes the file.
  public func remove() { unlink(path) }

  /// What the file holds, at most 4 KiB.
  /// - Throws: `SystemError`
  public static func read(_ path: String) throws -> [UInt8] { try content(of: open(path, O_RDONLY)) }

  /// Neither waits for a pipe's other end nor takes what is no file.
  private static func open(_ path: String, _ flags: Int32) throws -> Descriptor {
    let number = Glibc.open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
    guard number >= 0 else { throw SystemError("open") }
    let descriptor = Descriptor(owning: number)
    var status = stat()
    guard fstat(number, &status) == 0 else { throw SystemError("fstat") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EEXIST) }
    return descriptor
  }

  private static func content(of descriptor: Descriptor) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    guard case .bytes(let count) = try descriptor.read(into: &buffer) else { return [] }
    return Array(buffer[..<count])
  }
}
