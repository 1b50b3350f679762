import Glibc
import Testing

@testable import Linux

@Suite struct SpoolDirectoryTests {
  @Test func nothingIsLeftOfTheTrial() throws {
    let directory = try TemporaryDirectory()
    try SpoolDirectory.check(directory.path, size: 1 << 20)
    #expect(try directory.entries.isEmpty)
  }

  @Test(arguments: [("/nonexistent", ENOENT), ("/dev/null", ENOTDIR)])
  func whatIsNoDirectory(path: String, code: Int32) {
    let error = #expect(throws: SystemError.self) { try SpoolDirectory.check(path, size: 1) }
    #expect(error?.code == code)
  }

  @Test func moreThanThereIsRoomFor() {
    let error = #expect(throws: SystemError.self) { try SpoolDirectory.check("/tmp", size: 1 << 60) }
    #expect(error?.code == ENOSPC)
  }
}
