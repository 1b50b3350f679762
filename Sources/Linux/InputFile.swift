import Glibc

/// A file that is read as one whole, and whose content must not change meanwhile.
package final class InputFile {
  package let size: UInt64
  private let file: Descriptor
  /// Where the content begins.
  private let start: off_t
  private let modified: timespec

  /// Its content is not what it was, or its end comes before its size says.
  struct Changed: Error, CustomStringConvertible {
    let description = "it was changed meanwhile, or is shorter than it says"
  }

  /// nil for what has no size that is known before its end.
  /// - Throws: `SystemError`
  private init?(_ file: Descriptor, from start: off_t) throws {
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw SystemError("fstat") }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(call: "read", code: EISDIR) }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    // The files of /proc say that they are empty.
    if status.st_size == 0, try !file.read(at: 0, atMost: 1).isEmpty { return nil }
    self.file = file
    self.start = start
    size = UInt64(max(0, status.st_size - start))
    modified = status.st_mtim
  }

  /// The file at `path`, which need not be text; nil for a pipe, a device, a socket, or a file of the kernel's making.
  /// - Throws: `SystemError`
  package convenience init?(path: [UInt8]) throws {
    let number = open((path + [0]).map { CChar(bitPattern: $0) }, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw SystemError("open") }
    try self.init(Descriptor(owning: number), from: 0)
  }

  /// The rest of standard input, which is at its end for others then; nil where it is not a regular file.
  /// - Throws: `SystemError`
  package static func standardInput() throws -> InputFile? {
    try StandardInput.check()
    let number = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw SystemError("read") }
    let file = try InputFile(Descriptor(owning: number), from: max(0, lseek(number, 0, SEEK_CUR)))
    if let file { lseek(number, file.start + off_t(file.size), SEEK_SET) }
    return file
  }

  /// The bytes from `offset` on, as many as there are, at most `count`.
  /// - Throws: `SystemError`; `Changed` where somebody has changed the file since it was opened
  package func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    let wanted = Int(min(UInt64(max(0, count)), size - min(size, offset)))
    let bytes = try file.read(at: start + off_t(offset), atMost: wanted)
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw SystemError("fstat") }
    guard wanted == 0 || !bytes.isEmpty, status.st_mtim.tv_sec == modified.tv_sec,
      status.st_mtim.tv_nsec == modified.tv_nsec
    else { throw Changed() }
    return bytes
  }
}
