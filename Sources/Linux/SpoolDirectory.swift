import CLinux
import Glibc

/// A directory in which bodies are to be kept.
public enum SpoolDirectory {
  /// How much is reserved to see whether that can be done. A quota shows in no other way.
  private static let probeSize: UInt64 = 65_536

  /// Makes sure that a file of `size` bytes could be made there now. Nothing is left of the trial.
  /// - Throws: `SystemError`
  public static func check(_ directory: String, size: UInt64) throws {
    _ = try FileSizeLimit.checked(size)
    let file = try SpoolFile.open(in: directory).writer
    var system = statvfs()
    guard fstatvfs(file.number, &system) == 0 else { throw SystemError("fstatvfs") }
    // Some file systems do not say what they have.
    guard system.f_blocks == 0 || UInt64(system.f_bavail) >= size / UInt64(max(1, system.f_frsize)) else {
      throw SystemError(call: "fallocate", code: ENOSPC)
    }
    let code = clinux_allocate(file.number, off_t(min(size, probeSize)))
    guard code == 0 || code == EOPNOTSUPP else { throw SystemError(call: "fallocate", code: code) }
  }
}
