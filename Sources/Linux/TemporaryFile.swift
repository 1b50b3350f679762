import Glibc

/// A file without a name for what is too large for memory and whose size shows at its end only.
public final class TemporaryFile {
  public private(set) var size: UInt64 = 0
  private let file: Descriptor

  /// - Throws: `SystemError`
  public init(in directory: String) throws {
    let name = NewFile.path(in: directory)
    file = try NewFile.create(name, mode: S_IRUSR | S_IWUSR, access: O_RDWR)
    guard unlink(name) == 0 else { throw SystemError("unlink") }
  }

  /// - Throws: `SystemError`
  public func append(_ bytes: [UInt8]) throws {
    _ = try FileSizeLimit.checked(size + UInt64(bytes.count))
    try file.writeAll(bytes)
    size += UInt64(bytes.count)
  }

  /// The bytes from `offset` on, as many as there are, at most `count`.
  /// - Throws: `SystemError`
  public func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    try file.read(at: off_t(offset), atMost: Int(min(UInt64(max(0, count)), size - min(size, offset))))
  }
}
