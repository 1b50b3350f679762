import Glibc

/// Files of a few bytes that an orchestrator puts beside a program.
package enum SmallFile {
  private static let largest = 65_536

  /// Reads a file of at most 64 KiB.
  /// - Throws: `SystemError`; its code is EFBIG where the file is larger
  package static func read(_ path: String) throws -> [UInt8] {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw SystemError("open") }
    let file = Descriptor(owning: number)
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while content.count <= largest, case .bytes(let count) = try file.read(into: &buffer) {
      content += buffer[..<count]
    }
    guard content.count <= largest else { throw SystemError(call: "read", code: EFBIG) }
    return content
  }

  /// Whether it is there, and neither a pipe nor anything else that is read once only, nor a directory.
  package static func isRegular(_ path: String) -> Bool { kind(path) == S_IFREG }

  package static func isDirectory(_ path: String) -> Bool { kind(path) == S_IFDIR }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Replaces the content of a file that exists; nothing happens where it does not, or may not be written.
  package static func overwrite(_ path: String, with content: [UInt8]) {
    let number = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard number >= 0 else { return }
    _ = try? Descriptor(owning: number).write(content[...])
  }
}
