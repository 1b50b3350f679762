import Glibc

/// A file that lines are appended to. Other processes may append to it and truncate it at the same time.
package final class LogFile: Sendable {
  private let file: Descriptor

  /// Opens the file, and creates it if it does not exist. For a named pipe without a reader this fails with ENXIO instead
  /// of waiting for a reader.
  package init(path: String) throws(SystemError) {
    let number = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666)
    guard number >= 0 else { throw SystemError("open") }
    file = Descriptor(owning: number)
  }

  /// Writes the first line, which includes its newline, if the file has none yet. Several processes may do this at once.
  package func begin(with line: String) throws(SystemError) {
    flock(file.number, LOCK_EX)
    defer { flock(file.number, LOCK_UN) }
    let status = try file.status()
    guard status.st_mode & S_IFMT != S_IFREG || status.st_size == 0 else { return }
    guard append(line) else { throw SystemError("write") }
  }

  /// Appends a line, which includes its newline, without waiting. Returns whether the whole line was written.
  package func append(_ line: String) -> Bool {
    let bytes = Array(line.utf8)
    guard case .bytes(bytes.count)? = try? file.write(bytes[...]) else { return false }
    return true
  }
}
