import Glibc

/// Creates files under names that do not exist yet.
enum NewFile {
  /// A random path in `directory`. Its file name begins with `prefix`.
  static func path(in directory: String, prefix: String = "amqp-job") -> String {
    "\(directory)/\(prefix)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
  }

  /// The same, as an absolute path.
  static func absolutePath(in directory: String) throws(SystemError) -> String {
    guard let absolute = realpath(directory, nil) else { throw SystemError("realpath") }
    defer { free(absolute) }
    return path(in: String(cString: absolute))
  }

  /// Makes a file with these bytes, which only its owner may read.
  static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
    try create(path, mode: S_IRUSR).writeAll(bytes)
  }

  /// Gives the spool file this name, or copies it if the file system cannot do that.
  static func write(_ file: SpoolFile, to path: String) throws(SystemError) {
    guard !file.link(as: path) else { return }
    let copy = try create(path, mode: S_IRUSR)
    for offset in stride(from: 0, to: file.size, by: 65_536) {
      try copy.writeAll(file.read(at: offset, count: 65_536))
    }
  }

  /// Creates the file and opens it. Throws EEXIST if the path exists.
  static func create(_ path: String, mode: mode_t, access: Int32 = O_WRONLY) throws(SystemError) -> Descriptor {
    let number = open(path, access | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard number >= 0 else { throw SystemError("open") }
    return Descriptor(owning: number)
  }
}
