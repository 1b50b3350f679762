import Glibc

/// Small files, such as those that Kubernetes mounts from a secret.
package enum SmallFile {
  private static let maxSize = 65_536

  /// Reads a whole file. Throws EFBIG if it is larger than 64 KiB.
  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw SystemError("open") }
    let file = Descriptor(owning: number)
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while content.count <= maxSize, case .bytes(let count) = try file.read(into: &buffer) {
      content += buffer[..<count]
    }
    guard content.count <= maxSize else { throw SystemError(call: "read", code: EFBIG) }
    return content
  }

  /// Whether the path is a regular file. A pipe, a device and a directory are not.
  package static func isRegular(_ path: String) -> Bool { kind(path) == S_IFREG }

  package static func isDirectory(_ path: String) -> Bool { kind(path) == S_IFDIR }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Replaces the content of an existing file. Nothing happens if the file does not exist or is not writable.
  package static func overwrite(_ path: String, with content: [UInt8]) {
    let number = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard number >= 0 else { return }
    _ = try? Descriptor(owning: number).write(content[...])
  }
}
