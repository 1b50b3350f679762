import Glibc

/// Installs program files atomically.
package enum ExecutableFile {
  /// Copies the running program to `directory` under the name `name`, executable for everybody. At any time, even after a
  /// crash, that name refers to either the previous file or the complete copy. If this throws, no copy is left.
  package static func installThisProgram(as name: String, in directory: String) throws(SystemError) {
    let source = try openThisProgram()
    try replace(name, in: directory) { (temporary) throws(SystemError) in
      let copy = try NewFile.create(temporary, mode: S_IRWXU)
      try transfer(from: source, to: copy)
      // The umask may have removed some of these permissions.
      guard fchmod(copy.number, 0o755) == 0 else { throw SystemError("fchmod") }
      guard fsync(copy.number) == 0 else { throw SystemError("fsync") }
    }
    try synchronize(directory)
  }

  /// Makes `name` in `directory` a symbolic link to `target`. Throws EEXIST if `name` exists and is not a symbolic link.
  package static func link(_ name: String, to target: String, in directory: String) throws(SystemError) {
    var status = stat()
    guard lstat("\(directory)/\(name)", &status) != 0 || status.st_mode & S_IFMT == S_IFLNK else {
      throw SystemError(call: "symlink", code: EEXIST)
    }
    try replace(name, in: directory) { (temporary) throws(SystemError) in
      guard symlink(target, temporary) == 0 else { throw SystemError("symlink") }
    }
  }

  /// Calls `make` to create a file under a temporary name, and renames that file to `name`.
  private static func replace(
    _ name: String, in directory: String, make: (_ temporary: String) throws(SystemError) -> Void
  ) throws(SystemError) {
    let temporary = NewFile.path(in: directory, prefix: ".\(name)")
    do throws(SystemError) {
      try make(temporary)
      guard rename(temporary, "\(directory)/\(name)") == 0 else { throw SystemError("rename") }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func openThisProgram() throws(SystemError) -> Descriptor {
    let number = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw SystemError("open /proc/self/exe") }
    return Descriptor(owning: number)
  }

  private static func transfer(from source: Descriptor, to copy: Descriptor) throws(SystemError) {
    while true {
      let count = retryingOnInterrupt { sendfile(copy.number, source.number, nil, 1 << 20) }
      guard count >= 0 else { throw SystemError("sendfile") }
      guard count > 0 else { return }
    }
  }

  /// Writes the entries of a directory to the disk, if the file system supports that.
  private static func synchronize(_ directory: String) throws(SystemError) {
    let number = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw SystemError("open") }
    let descriptor = Descriptor(owning: number)
    guard fsync(descriptor.number) == 0 || errno == EINVAL else { throw SystemError("fsync") }
  }
}
