import CLinux
import Glibc

/// A file for one body that is too large for memory. The file has no name, so nothing is left of it when this process ends.
package final class SpoolFile {
  /// The size of the whole body in bytes.
  package let size: UInt64
  package private(set) var writtenCount: UInt64 = 0
  private var reservedCount: UInt64 = 0
  private let writer: Descriptor
  /// A second, read-only descriptor, because a child must not be able to write to the file.
  private let reader: Descriptor
  /// The modification time after the last byte of the body was written.
  private var completedAt: timespec?

  /// The disk space in bytes that is reserved beyond the received part of a body. It is limited because a peer may
  /// announce a size and never send that much.
  static let reservationStep: UInt64 = 64 << 20

  /// Creates the file in `directory`. Throws ENOSPC if the disk does not have room for the body.
  package convenience init(size: UInt64, in directory: String) throws(SystemError) {
    try self.init(size: size, in: directory, canBeUnnamed: true)
  }

  /// `canBeUnnamed` is false in tests, which imitate a file system that does not support O_TMPFILE.
  init(size: UInt64, in directory: String, canBeUnnamed: Bool) throws(SystemError) {
    _ = try FileSizeLimit.checked(size)
    self.size = size
    (writer, reader) = try Self.open(in: directory, canBeUnnamed: canBeUnnamed)
    try checkRoom()
    try reserve(for: 0)
  }

  private func checkRoom() throws(SystemError) {
    var status = statvfs()
    // A file system without its own size limit reports 0 blocks.
    guard fstatvfs(writer.number, &status) == 0, status.f_blocks > 0 else { return }
    let (room, isBeyond) = UInt64(status.f_bfree).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    guard isBeyond || size <= room else { throw SystemError(call: "write", code: ENOSPC) }
  }

  /// Reserves disk space for `count` more bytes and some that follow them, so that a full disk is detected before a write.
  private func reserve(for count: Int) throws(SystemError) {
    let wanted = writtenCount + UInt64(count)
    guard reservedCount < size, wanted >= reservedCount else { return }
    reservedCount = min(size, wanted + min(Self.reservationStep, size - wanted))
    let code = clinux_allocate(writer.number, off_t(reservedCount))
    // If the file system cannot reserve space, a full disk is detected when the body is written.
    guard code == 0 || code == EOPNOTSUPP else { throw SystemError(call: "fallocate", code: code) }
  }

  // The mode of the file is read-only, because a worker can open it again through its /proc/self/fd.

  static func open(
    in directory: String, canBeUnnamed: Bool = true
  ) throws(SystemError) -> (writer: Descriptor, reader: Descriptor) {
    if canBeUnnamed, let unnamed = openUnnamed(in: directory) { return unnamed }
    return try openNamed(in: directory)
  }

  private static func openUnnamed(in directory: String) -> (writer: Descriptor, reader: Descriptor)? {
    let number = clinux_open_unnamed(directory, S_IRUSR)
    guard number >= 0 else { return nil }
    let writer = Descriptor(owning: number)
    let again = Glibc.open(writer.pathInProc, O_RDONLY | O_CLOEXEC)
    return again < 0 ? nil : (writer, Descriptor(owning: again))
  }

  private static func openNamed(in directory: String) throws(SystemError) -> (writer: Descriptor, reader: Descriptor) {
    let name = NewFile.path(in: directory)
    let writer = try NewFile.create(name, mode: S_IRUSR)
    defer { unlink(name) }
    let again = Glibc.open(name, O_RDONLY | O_CLOEXEC)
    guard again >= 0 else { throw SystemError("open") }
    return (writer, Descriptor(owning: again))
  }

  /// Gives the file a name. Returns false if the file system does not support that.
  func link(as path: String) -> Bool {
    linkat(AT_FDCWD, writer.pathInProc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
  }

  /// Whether the whole body is in the file.
  package var isComplete: Bool { writtenCount == size }

  /// Writes the next bytes of the body.
  package func append(_ bytes: [UInt8]) throws(SystemError) {
    guard UInt64(bytes.count) <= size - writtenCount else { throw SystemError(call: "write", code: EFBIG) }
    try reserve(for: bytes.count)
    try writer.writeAll(bytes)
    writtenCount += UInt64(bytes.count)
    if isComplete { completedAt = try modificationTime() }
  }

  /// The bytes from `offset` on: `count` bytes, or fewer at the end of what is written. Throws `SystemError.fileChanged`
  /// if another process has modified the file.
  package func read(at offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
    guard offset < writtenCount, count > 0 else { return [] }
    let wanted = Int(min(UInt64(count), writtenCount - offset))
    let bytes = try reader.read(at: off_t(offset), atMost: wanted)
    guard try isUnmodified() else { throw .fileChanged }
    guard bytes.count == wanted else { throw SystemError(call: "pread", code: EIO) }
    return bytes
  }

  private func isUnmodified() throws(SystemError) -> Bool {
    guard let completedAt else { return true }
    let time = try modificationTime()
    return time.tv_sec == completedAt.tv_sec && time.tv_nsec == completedAt.tv_nsec
  }

  private func modificationTime() throws(SystemError) -> timespec { try writer.status().st_mtim }

  /// Lets a program of another user open the file again, by its /dev/stdin. A file without a name has no other way to it.
  package func letOthersRead() throws(SystemError) {
    guard fchmod(writer.number, S_IRUSR | S_IRGRP | S_IROTH) == 0 else { throw SystemError("fchmod") }
  }

  /// A descriptor at the beginning of the body, for a child's standard input. Only one child at a time may use it, because
  /// they would share its offset.
  package func rewoundReader() throws(SystemError) -> Descriptor {
    precondition(isComplete, "a child must not get an incomplete body")
    try reader.rewind()
    return reader
  }
}
