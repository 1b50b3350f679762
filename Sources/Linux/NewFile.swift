import Glibc

/// Files that nobody has made before.
enum NewFile {
  /// A path in `directory` that nothing else has, its last part beginning with `prefix`.
  static func path(in directory: String, prefix: String = "amqp-job") -> String {
    "\(directory)/\(prefix)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
  }

  /// Makes the file and opens it, for writing unless `access` says otherwise.
  /// - Throws: `SystemError`; its code is EEXIST where something has that path.
  static func create(_ path: String, mode: mode_t, access: Int32 = O_WRONLY) throws(SystemError) -> Descriptor {
    let number = open(path, access | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard number >= 0 else { throw SystemError("open") }
    return Descriptor(owning: number)
  }
}
