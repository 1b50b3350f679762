import Glibc

/// A regular file whose content must not change while it is read.
package final class InputFile {
  /// The size of the content in bytes.
  package let size: UInt64
  private let file: Descriptor
  /// The offset in the file at which the content begins.
  private let start: off_t
  private let modified: timespec

  /// The file was modified after it was opened, or it ends before its stated size.
  struct Changed: Error, CustomStringConvertible {
    let description = "it changed while it was read, or is shorter than its stated size"
  }

  /// nil if the size is unknown until the end is read.
  private init?(_ file: Descriptor, from start: off_t) throws(SystemError) {
    let status = try file.status()
    guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(call: "read", code: EISDIR) }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    // The files of /proc have a stated size of 0.
    if status.st_size == 0, try !file.read(at: 0, atMost: 1).isEmpty { return nil }
    self.file = file
    self.start = start
    size = UInt64(max(0, status.st_size - start))
    modified = status.st_mtim
  }

  /// Opens the file at `path`, which may not be valid text. The result is nil for a pipe, a device, a socket, or a file
  /// that the kernel generates.
  package convenience init?(path: [UInt8]) throws(SystemError) {
    let number = open((path + [0]).map { CChar(bitPattern: $0) }, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw SystemError("open") }
    try self.init(Descriptor(owning: number), from: 0)
  }

  /// The rest of standard input; nil if it is not a regular file. Processes that share standard input are then at its end.
  package static func standardInput() throws(SystemError) -> InputFile? {
    try StandardInput.check()
    let number = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw SystemError("read") }
    let file = try InputFile(Descriptor(owning: number), from: max(0, lseek(number, 0, SEEK_CUR)))
    if let file { lseek(number, file.start + off_t(file.size), SEEK_SET) }
    return file
  }

  /// The bytes from `offset` on: `count` bytes, or fewer at the end of the file.
  /// - Throws: `SystemError`, or `Changed` if the file was modified after it was opened.
  package func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    let wanted = Int(min(UInt64(max(0, count)), size - min(size, offset)))
    let bytes = try file.read(at: start + off_t(offset), atMost: wanted)
    let status = try file.status()
    guard wanted == 0 || !bytes.isEmpty, status.st_mtim.tv_sec == modified.tv_sec,
      status.st_mtim.tv_nsec == modified.tv_nsec
    else { throw Changed() }
    return bytes
  }
}
