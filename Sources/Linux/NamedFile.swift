import Glibc

/// A body as a file that a child finds by its name and may read. It is there until it is removed.
package final class NamedFile {
  /// An absolute path.
  package let path: String

  /// - Throws: `SystemError`; nothing is left then.
  package convenience init(_ bytes: [UInt8], in directory: String) throws {
    try self.init(in: directory) { path in
      try NewFile.create(path, mode: S_IRUSR).writeAll(bytes)
    }
  }

  /// Without a copy, where the file system can name a file later.
  /// - Throws: `SystemError`; nothing is left then.
  package convenience init(_ file: SpoolFile, in directory: String) throws {
    try self.init(in: directory) { path in
      guard !file.link(as: path) else { return }
      let copy = try NewFile.create(path, mode: S_IRUSR)
      for offset in stride(from: 0, to: file.size, by: 65_536) {
        try copy.writeAll(file.read(at: offset, count: 65_536))
      }
    }
  }

  private init(in directory: String, make: (_ path: String) throws -> Void) throws {
    guard let absolute = realpath(directory, nil) else { throw SystemError("realpath") }
    defer { free(absolute) }
    path = NewFile.path(in: String(cString: absolute))
    do { try make(path) } catch {
      remove()
      throw error
    }
  }

  /// Removes whatever the name stands for by now, if anything.
  package func remove() { unlink(path) }
}
