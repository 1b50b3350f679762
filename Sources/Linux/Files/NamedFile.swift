import Glibc

/// A body in a file with a name, which a child can open and read. The file exists until `remove` is called.
package final class NamedFile {
  /// An absolute path.
  package let path: String

  /// If this throws, no file is left.
  package convenience init(_ bytes: [UInt8], in directory: String) throws(SystemError) {
    try self.init(in: directory) { path throws(SystemError) in try NewFile.write(bytes, to: path) }
  }

  /// Gives the spool file a name, or copies it if the file system cannot do that. If this throws, no named file is left.
  package convenience init(_ file: SpoolFile, in directory: String) throws(SystemError) {
    try self.init(in: directory) { path throws(SystemError) in try NewFile.write(file, to: path) }
  }

  private init(in directory: String, make: (_ path: String) throws(SystemError) -> Void) throws(SystemError) {
    path = try NewFile.absolutePath(in: directory)
    do { try make(path) } catch {
      remove()
      throw error
    }
  }

  /// Removes the file of that name, if there is one, whatever it is by then.
  package func remove() { unlink(path) }
}
