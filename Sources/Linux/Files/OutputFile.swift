import Glibc

/// A file without a name that takes the standard output of a child, or of a program that another process starts.
package final class OutputFile: ChildOutput {
  package private(set) var writer: Descriptor?
  private let reader: Descriptor

  package init(in directory: String) throws(SystemError) {
    let (writer, reader) = try SpoolFile.open(in: directory)
    // A program of another user may open its /dev/stdout again. Nobody else has a way to the file, which has no name.
    guard fchmod(writer.number, 0o666) == 0 else { throw SystemError("fchmod") }
    (self.writer, self.reader) = (writer, reader)
  }

  package func closeWriter() { writer = nil }

  /// How many bytes were written.
  package func byteCount() throws(SystemError) -> UInt64 { UInt64(try reader.status().st_size) }

  /// Up to `count` of the bytes that were written, from `offset` on.
  package func read(at offset: UInt64, atMost count: Int) throws(SystemError) -> [UInt8] {
    try reader.read(at: off_t(offset), atMost: count)
  }

  /// A descriptor at the beginning of what was written. Only one child at a time may use it, because they would share its
  /// offset.
  package func rewoundReader() throws(SystemError) -> Descriptor {
    try reader.rewind()
    return reader
  }
}
