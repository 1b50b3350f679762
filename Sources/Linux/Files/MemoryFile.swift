import CLinux
import Glibc

/// A file in memory, which another process gets by its descriptor.
package enum MemoryFile {
  /// A descriptor at the beginning of a new file with these bytes.
  package static func make(_ bytes: [UInt8]) throws(SystemError) -> Descriptor {
    let number = clinux_memory_file("amqp-job")
    guard number >= 0 else { throw SystemError("memfd_create") }
    let file = Descriptor(owning: number)
    try file.writeAll(bytes)
    try file.rewind()
    return file
  }

  /// The bytes of a file that another process has made. The error's code is EFBIG for more than `limit`.
  package static func read(_ file: Descriptor, limit: Int) throws(SystemError) -> [UInt8] {
    let bytes = try file.read(at: 0, atMost: limit + 1)
    guard bytes.count <= limit else { throw SystemError(call: "read", code: EFBIG) }
    return bytes
  }
}
