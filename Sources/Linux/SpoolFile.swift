import CLinux
import Glibc

/// A file for one body that is too large for memory. It has no name, so that nothing is left of it, however we end.
package final class SpoolFile {
  /// The whole body's size.
  package let size: UInt64
  package private(set) var writtenCount: UInt64 = 0
  private var reservedCount: UInt64 = 0
  private let writer: Descriptor
  /// Opened a second time: a child must not be able to write to the file.
  private let reader: Descriptor
  /// When the last byte of ours was written.
  private var completedAt: timespec?

  /// How much room is taken ahead of the bytes that have come: a size is announced by a peer, and may never come.
  static let reservedAtOnce: UInt64 = 64 << 20

  /// Makes the file in `directory`. That the disk has no room for it shows here, if it has none now.
  /// - Throws: `SystemError`
  package convenience init(size: UInt64, in directory: String) throws {
    try self.init(size: size, in: directory, canBeUnnamed: true)
  }

  /// Not every file system has files that never had a name.
  init(size: UInt64, in directory: String, canBeUnnamed: Bool) throws {
    _ = try FileSizeLimit.checked(size)
    self.size = size
    (writer, reader) = try Self.open(in: directory, canBeUnnamed: canBeUnnamed)
    try checkRoom()
    try reserve(for: 0)
  }

  private func checkRoom() throws {
    var status = statvfs()
    // A file system without a limit of its own has no blocks.
    guard fstatvfs(writer.number, &status) == 0, status.f_blocks > 0 else { return }
    let (room, isBeyond) = UInt64(status.f_bfree).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    guard isBeyond || size <= room else { throw SystemError(call: "write", code: ENOSPC) }
  }

  /// Room for so many bytes more, and for some that follow them: a full disk shows here, not amid a write.
  private func reserve(for count: Int) throws {
    let wanted = writtenCount + UInt64(count)
    guard reservedCount < size, wanted >= reservedCount else { return }
    reservedCount = min(size, wanted + min(Self.reservedAtOnce, size - wanted))
    let code = clinux_allocate(writer.number, off_t(reservedCount))
    // Where the file system reserves nothing, a full disk shows as the body is written.
    guard code == 0 || code == EOPNOTSUPP else { throw SystemError(call: "fallocate", code: code) }
  }

  /// - Throws: `SystemError`
  static func open(
    in directory: String, canBeUnnamed: Bool = true
  ) throws -> (writer: Descriptor, reader: Descriptor) {
    try (canBeUnnamed ? openUnnamed(in: directory) : nil) ?? openNamed(in: directory)
  }

  // Read-only in both ways for whoever opens it again, as a worker can through its /proc/self/fd.

  private static func openUnnamed(in directory: String) -> (writer: Descriptor, reader: Descriptor)? {
    let number = clinux_open_unnamed(directory, S_IRUSR)
    guard number >= 0 else { return nil }
    let writer = Descriptor(owning: number)
    let again = Glibc.open(writer.pathInProc, O_RDONLY | O_CLOEXEC)
    return again < 0 ? nil : (writer, Descriptor(owning: again))
  }

  private static func openNamed(in directory: String) throws -> (writer: Descriptor, reader: Descriptor) {
    let name = NewFile.path(in: directory)
    let writer = try NewFile.create(name, mode: S_IRUSR)
    defer { unlink(name) }
    let again = Glibc.open(name, O_RDONLY | O_CLOEXEC)
    guard again >= 0 else { throw SystemError("open") }
    return (writer, Descriptor(owning: again))
  }

  /// Gives it a name; false where the file system cannot.
  func link(as path: String) -> Bool {
    linkat(AT_FDCWD, writer.pathInProc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
  }

  /// Whether the whole body is in the file.
  package var isComplete: Bool { writtenCount == size }

  /// Writes the next bytes of the body.
  /// - Throws: `SystemError`
  package func append(_ bytes: [UInt8]) throws {
    guard UInt64(bytes.count) <= size - writtenCount else { throw SystemError(call: "write", code: EFBIG) }
    try reserve(for: bytes.count)
    try writer.writeAll(bytes)
    writtenCount += UInt64(bytes.count)
    if isComplete { completedAt = try modificationTime() }
  }

  /// The bytes from `offset` on, as many as there are, at most `count`.
  /// - Throws: `SystemError`
  package func read(at offset: UInt64, count: Int) throws -> [UInt8] {
    guard offset < writtenCount, count > 0 else { return [] }
    let wanted = Int(min(UInt64(count), writtenCount - offset))
    let bytes = try reader.read(at: off_t(offset), atMost: wanted)
    // Somebody has cut it, or written to it: that must not pass for the body.
    guard bytes.count == wanted, try isUntouched() else { throw SystemError(call: "pread", code: EIO) }
    return bytes
  }

  private func isUntouched() throws -> Bool {
    guard let completedAt else { return true }
    let time = try modificationTime()
    return time.tv_sec == completedAt.tv_sec && time.tv_nsec == completedAt.tv_nsec
  }

  private func modificationTime() throws -> timespec {
    var status = stat()
    guard fstat(writer.number, &status) == 0 else { throw SystemError("fstat") }
    return status.st_mtim
  }

  /// The whole body as a child's standard input, from its beginning. One child at a time: they share the offset.
  /// - Throws: `SystemError`
  func rewound() throws -> Descriptor {
    precondition(isComplete, "a child must not read a part for the whole")
    guard lseek(reader.number, 0, SEEK_SET) == 0 else { throw SystemError("lseek") }
    return reader
  }
}
