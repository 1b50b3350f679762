import Glibc

/// A file that lines are added to at its end, wherever that is by now: others may write there, too, or cut it off.
package final class LogFile: Sendable {
  private let file: Descriptor

  /// Opens the file, and makes one that is not there. Of a pipe that nobody reads it waits for no reader.
  /// - Throws: `SystemError`
  package init(path: String) throws(SystemError) {
    let number = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666)
    guard number >= 0 else { throw SystemError("open") }
    file = Descriptor(owning: number)
  }

  /// Adds a line, its end included, and waits for nobody; false where the file does not take all of it.
  package func append(_ line: String) -> Bool {
    let bytes = Array(line.utf8)
    guard case .bytes(bytes.count)? = try? file.write(bytes[...]) else { return false }
    return true
  }
}
