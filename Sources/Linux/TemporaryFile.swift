import Glibc

/// A file without a name for what is too large for memory and whose size shows at its end only.
package final class TemporaryFile {
  package private(set) var size: UInt64 = 0
  private let file: Descriptor

  /// - Throws: `SystemError`
  package init(in directory: String) throws {
    let name = NewFile.path(in: directory)
    file = try NewFile.create(name, mode: S_IRUSR | S_IWUSR, access: O_RDWR)
    guard unlink(name) == 0 else { throw SystemError("unlink") }
  }

  /// - Throws: `SystemError`
  package func append(_ bytes: [UInt8]) throws {
    _ = try FileSizeLimit.checked(size + UInt64(bytes.count))
    try file.writeAll(bytes)
    size += UInt64(bytes.count)
  }

  /// The bytes from `offset` on, as many as there are, at most `count`.
  /// - Throws: `SystemError`
  package func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    try file.read(at: off_t(offset), atMost: Int(min(UInt64(max(0, count)), size - min(size, offset))))
  }
}
