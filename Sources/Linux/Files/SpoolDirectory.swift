import Glibc

/// A directory for spool files.
package enum SpoolDirectory {
  /// Checks that files can be created in the directory, and that it has room for `size` bytes. The check leaves no file
  /// behind. It writes no data, because that could take milliseconds; so it does not detect a quota.
  package static func check(_ directory: String, size: UInt64) throws(SystemError) {
    _ = try FileSizeLimit.checked(size)
    let file = try writer(in: directory)
    var system = statvfs()
    guard fstatvfs(file.number, &system) == 0 else { throw SystemError("fstatvfs") }
    // Some file systems do not report their size.
    guard system.f_blocks == 0 || UInt64(system.f_bavail) >= size / UInt64(max(1, system.f_frsize)) else {
      throw SystemError(call: "write", code: ENOSPC)
    }
  }

  private static func writer(in directory: String) throws(SystemError) -> Descriptor {
    do throws(SystemError) { return try SpoolFile.open(in: directory).writer } catch {
      // A file system of the kernel's reports that the new file does not exist, although its directory does.
      guard error.isMissing, (try? OutputDirectory(directory)) != nil else { throw error }
      throw SystemError(call: "open", code: EOPNOTSUPP)
    }
  }
}
