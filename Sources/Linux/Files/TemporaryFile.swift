import Glibc

/// A file without a name, for data that is too large for memory and whose size is not known in advance.
package final class TemporaryFile {
  /// The number of bytes that have been appended.
  package private(set) var size: UInt64 = 0
  private let file: Descriptor

  package init(in directory: String) throws(SystemError) {
    let name = NewFile.path(in: directory)
    file = try NewFile.create(name, mode: S_IRUSR | S_IWUSR, access: O_RDWR)
    guard unlink(name) == 0 else { throw SystemError("unlink") }
  }

  package func append(_ bytes: [UInt8]) throws(SystemError) {
    _ = try FileSizeLimit.checked(size + UInt64(bytes.count))
    try file.writeAll(bytes)
    size += UInt64(bytes.count)
  }

  /// A descriptor at the beginning of what was appended. Only one child at a time may use it, because they would share its offset.
  func rewoundReader() throws(SystemError) -> Descriptor {
    try file.rewind()
    return file
  }

  /// The bytes from `offset` on: `count` bytes, or fewer at the end of the file.
  package func read(at offset: UInt64, atMost count: Int) throws(SystemError) -> [UInt8] {
    try file.read(at: off_t(offset), atMost: Int(min(UInt64(max(0, count)), size - min(size, offset))))
  }
}
