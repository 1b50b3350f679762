import Glibc

/// The limit on the size of a file (RLIMIT_FSIZE), which is checked before anything is written.
enum FileSizeLimit {
  /// Converts `size` for system calls. Throws EFBIG if a file may not become that large.
  static func checked(_ size: UInt64) throws(SystemError) -> off_t {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { throw SystemError("getrlimit") }
    guard let length = off_t(exactly: size), size <= limit.rlim_cur else {
      throw SystemError(call: "write", code: EFBIG)
    }
    return length
  }
}
