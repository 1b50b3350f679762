import Glibc
import Testing

@testable import Linux

@Suite struct LogFileTests {
  private func content(_ path: String) throws -> String {
    String(decoding: try #require(try InputFile(path: Array(path.utf8))).read(at: 0, atMost: 100), as: UTF8.self)
  }

  @Test("Lines are appended at the current end of the file") func append() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/log"
    defer { unlink(path) }
    let log = try LogFile(path: path)
    #expect(log.append("one\n") && log.append("two\n"))
    #expect(try LogFile(path: path).append("three\n"))
    #expect(try content(path) == "one\ntwo\nthree\n")
    truncate(path, 0)
    #expect(log.append("four\n"))
    #expect(try content(path) == "four\n")
  }

  @Test("A line that cannot be written is reported") func failedAppend() throws {
    #expect(try !LogFile(path: "/dev/full").append("line\n"))
  }

  @Test(
    "A file that cannot be opened is an error",
    arguments: [("/nonexistent/log", ENOENT), ("/tmp", EISDIR), ("", ENOENT)])
  func failedOpen(path: String, code: Int32) {
    let error = #expect(throws: SystemError.self) { try LogFile(path: path) }
    #expect(error?.code == code)
  }

  @Test("A named pipe without a reader is an error") func pipeWithoutReader() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/pipe"
    defer { unlink(path) }
    try #require(mkfifo(path, 0o600) == 0)
    let error = #expect(throws: SystemError.self) { try LogFile(path: path) }
    #expect(error?.code == ENXIO)
  }
}
