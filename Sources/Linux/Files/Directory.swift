import Glibc

/// The files of a directory.
package enum Directory {
  /// The names of the regular files, and of links to such, that match a shell pattern; all of them if it is nil. A name that begins
  /// with a dot is left out. A link counts, too, if what it names is not there: it may come back.
  package static func files(in path: String, matching pattern: String?) throws(SystemError) -> [[UInt8]] {
    guard let stream = opendir(path) else { throw SystemError("opendir") }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let isWanted = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 1) { name in
          name.pointee != CChar(UInt8(ascii: ".")) && (pattern.map { fnmatch($0, name, 0) == 0 } ?? true)
        }
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if isWanted, isRegular(entry.pointee.d_type, name, dirfd(stream)) { names.append(name) }
    }
    guard errno == 0 else { throw SystemError("readdir") }
    return names
  }

  private static func isRegular(_ type: UInt8, _ name: [UInt8], _ directory: Int32) -> Bool {
    switch Int(type) {
    case Int(DT_REG): return true
    case Int(DT_LNK), Int(DT_UNKNOWN):
      var status = stat()
      let path = (name + [0]).map { CChar(bitPattern: $0) }
      if fstatat(directory, path, &status, 0) == 0 { return status.st_mode & S_IFMT == S_IFREG }
      return fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
    default: return false
    }
  }
}

/// What changes when a file is written: its size and its times.
package struct FileStamp: Hashable, Sendable {
  private let size: Int64
  private let times: [Int]

  /// nil if there is no such file any more.
  package init?(path: [UInt8]) throws(SystemError) {
    var status = stat()
    guard stat((path + [0]).map { CChar(bitPattern: $0) }, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw SystemError("stat")
    }
    size = Int64(status.st_size)
    times = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
  }
}
