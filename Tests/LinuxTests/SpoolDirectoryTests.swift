import Glibc
import Testing

@testable import Linux

@Suite struct SpoolDirectoryTests {
  @Test("The check leaves no file behind") func noTrace() throws {
    let directory = try TemporaryDirectory()
    try SpoolDirectory.check(directory.path, size: 1 << 20)
    #expect(try directory.entries.isEmpty)
  }

  @Test(
    "A path that is not a directory is an error, and so is a directory in which nobody can make a file",
    arguments: [("/nonexistent", ENOENT), ("/dev/null", ENOTDIR), ("/proc", EOPNOTSUPP)])
  func notDirectory(path: String, code: Int32) {
    let error = #expect(throws: SystemError.self) { try SpoolDirectory.check(path, size: 1) }
    #expect(error?.code == code)
  }

  @Test("A size that exceeds the free space is an error") func notEnoughRoom() {
    let error = #expect(throws: SystemError.self) { try SpoolDirectory.check("/tmp", size: 1 << 60) }
    #expect(error?.code == ENOSPC)
  }
}
