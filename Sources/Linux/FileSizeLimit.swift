import Glibc

/// The limit on a file's size (RLIMIT_FSIZE). It shows here before anything is written.
enum FileSizeLimit {
  /// - Returns: `size` as the kernel takes it
  /// - Throws: `SystemError`; its code is EFBIG where a file may not become that large
  static func checked(_ size: UInt64) throws(SystemError) -> off_t {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { throw SystemError("getrlimit") }
    guard let length = off_t(exactly: size), size <= limit.rlim_cur else {
      throw SystemError(call: "write", code: EFBIG)
    }
    return length
  }
}
