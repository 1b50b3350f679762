import CLinux
import Glibc

/// A directory with files for a child, which may write there, too. It is removed when the object is released, with everything in it.
package final class ScratchDirectory {
  /// An absolute path.
  package let path: String

  package init(in directory: String) throws(SystemError) {
    path = try NewFile.absolutePath(in: directory)
    guard mkdir(path, 0o700) == 0 else { throw SystemError("mkdir") }
  }

  deinit { clinux_remove_tree(path) }

  /// Makes a file with these bytes, which only its owner may read.
  package func add(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
    try NewFile.write(bytes, to: "\(path)/\(name)")
  }

  /// Makes a file of a body. The body is not copied, if the file system can do without.
  package func add(_ name: String, _ file: SpoolFile) throws(SystemError) {
    try NewFile.write(file, to: "\(path)/\(name)")
  }
}
