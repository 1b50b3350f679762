import Glibc

/// A directory in which bodies are to be kept.
package enum SpoolDirectory {
  /// Makes sure that files can be made there, and that there is room for `size` bytes. Nothing is written, which could
  /// take milliseconds; so a quota shows later. Nothing is left of the trial.
  /// - Throws: `SystemError`
  package static func check(_ directory: String, size: UInt64) throws {
    _ = try FileSizeLimit.checked(size)
    let file = try SpoolFile.open(in: directory).writer
    var system = statvfs()
    guard fstatvfs(file.number, &system) == 0 else { throw SystemError("fstatvfs") }
    // Some file systems do not say what they have.
    guard system.f_blocks == 0 || UInt64(system.f_bavail) >= size / UInt64(max(1, system.f_frsize)) else {
      throw SystemError(call: "write", code: ENOSPC)
    }
  }
}
