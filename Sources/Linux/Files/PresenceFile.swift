import Glibc

/// A file that is there while something holds. It always has its whole content.
package final class PresenceFile {
  package let path: String

  /// Removes the file that an earlier process has left.
  /// - Throws: `RecordFile.LinkError` or `SystemError`. The code is EEXIST if the path is another file, by `isOurs`.
  package init(_ path: String, isOurs: ([UInt8]) -> Bool) throws {
    self.path = path
    do {
      guard isOurs(try RecordFile.read(path)) else { throw SystemError(call: "open", code: EEXIST) }
      remove()
    } catch let error as SystemError where error.code == ENOENT && error.call == "open" {
      // A folder that is missing, or cannot be written to, shows before anything else is done.
      try show([])
      remove()
    }
  }

  package func show(_ content: [UInt8]) throws(SystemError) {
    let name = NewFile.path(in: directory)
    let file = try NewFile.create(name, mode: S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
    do throws(SystemError) {
      try file.writeAll(content)
      guard rename(name, path) == 0 else { throw SystemError("rename") }
    } catch {
      unlink(name)
      throw error
    }
  }

  package func remove() { unlink(path) }

  private var directory: String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
