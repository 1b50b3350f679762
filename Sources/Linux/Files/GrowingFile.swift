import Glibc

/// A file that others append lines to, and may truncate.
package final class GrowingFile {
  private let file: Descriptor
  private var offset: off_t
  /// The beginning of a line whose end has not been written yet. nil until the first newline if the file is read from its middle.
  private var rest: [UInt8]?

  /// Opens the file. Of what it has already, only the last `tail` bytes are read.
  package init(path: String, tail: Int) throws(SystemError) {
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw SystemError("open") }
    file = Descriptor(owning: number)
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EINVAL) }
    offset = max(0, status.st_size - off_t(tail))
    rest = offset == 0 ? [] : nil
  }

  /// At most so many of the bytes with which the file begins.
  package func beginning(atMost count: Int) throws(SystemError) -> [UInt8] { try file.read(at: 0, atMost: count) }

  /// The lines that are complete since the last call, without their newlines.
  package func newLines() throws(SystemError) -> [ArraySlice<UInt8>] {
    let size = try file.status().st_size
    if size < offset { (offset, rest) = (0, []) }
    let bytes = try file.read(at: offset, atMost: Int(size - offset))
    offset += off_t(bytes.count)
    var lines = ((rest ?? []) + bytes).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if rest == nil, lines.count > 1 {
      lines.removeFirst()
      rest = []
    }
    guard rest != nil, let last = lines.popLast() else { return [] }
    rest = Array(last)
    return lines
  }
}
