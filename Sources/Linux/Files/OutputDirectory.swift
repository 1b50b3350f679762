import Glibc

/// A directory that gets files for what children write.
package final class OutputDirectory: Sendable {
  package let path: String
  private let directory: Descriptor

  package init(_ path: String) throws(SystemError) {
    let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw SystemError("open") }
    (self.path, directory) = (path, Descriptor(owning: number))
  }

  /// Creates a file that does not exist yet, and does not follow links. Throws EEXIST if there is anything of that name.
  package func create(_ name: String) throws(SystemError) -> NewOutput {
    let number = openat(
      directory.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0o666)
    guard number >= 0 else { throw SystemError("open") }
    return NewOutput(name, in: self, Descriptor(owning: number))
  }

  /// Removes the file of that name, if there is one.
  fileprivate func remove(_ name: String) { unlinkat(directory.number, name, 0) }

  /// A new file of an output directory.
  package final class NewOutput {
    package let name: String
    private let directory: OutputDirectory
    private let file: Descriptor

    fileprivate init(_ name: String, in directory: OutputDirectory, _ file: Descriptor) {
      (self.name, self.directory, self.file) = (name, directory, file)
    }

    package var path: String { directory.path + (directory.path.hasSuffix("/") ? "" : "/") + name }

    package func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) { try file.writeAll(Array(bytes)) }

    /// Makes sure that what was written is not refused later, as a network file system may do when a file is closed (close(2)).
    package func complete() throws(SystemError) {
      let copy = fcntl(file.number, F_DUPFD_CLOEXEC, 0)
      guard copy < 0 || close(copy) == 0 else { throw SystemError("close") }
    }

    package func remove() { directory.remove(name) }
  }
}

extension SystemError {
  /// Whether there is something of that name.
  package var isTaken: Bool { code == EEXIST }
}
