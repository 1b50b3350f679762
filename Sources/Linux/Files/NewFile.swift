import Glibc

/// Creates files under names that do not exist yet.
enum NewFile {
  /// A random path in `directory`. Its file name begins with `prefix`.
  static func path(in directory: String, prefix: String = "amqp-job") -> String {
    "\(directory)/\(prefix)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
  }

  /// Creates the file and opens it. Throws EEXIST if the path exists.
  static func create(_ path: String, mode: mode_t, access: Int32 = O_WRONLY) throws(SystemError) -> Descriptor {
    let number = open(path, access | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard number >= 0 else { throw SystemError("open") }
    return Descriptor(owning: number)
  }
}
