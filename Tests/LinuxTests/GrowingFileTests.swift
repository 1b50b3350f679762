import Glibc
import Testing

@testable import Linux

@Suite("A file that others append lines to") struct GrowingFileTests {
  private let directory: TemporaryDirectory
  private let log: LogFile
  private var path: String { directory.path + "/log" }

  init() throws {
    directory = try TemporaryDirectory()
    log = try LogFile(path: directory.path + "/log")
  }

  private func lines(_ file: GrowingFile) throws -> [String] {
    try file.newLines().map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("Each complete line comes once") func complete() throws {
    defer { unlink(path) }
    #expect(log.append("one\ntwo\nthr"))
    let file = try GrowingFile(path: path, tail: 1000)
    #expect(try lines(file) == ["one", "two"])
    #expect(try lines(file) == [])
    #expect(log.append("ee\n\n"))
    #expect(try lines(file) == ["three", ""])
  }

  @Test("The beginning is there although only the end is read") func beginning() throws {
    defer { unlink(path) }
    let file = try GrowingFile(path: path, tail: 2)
    #expect(try file.beginning(atMost: 3) == [])
    #expect(log.append("one\ntwo\n"))
    #expect(try file.beginning(atMost: 3) == Array("one".utf8))
    #expect(try file.beginning(atMost: 100) == Array("one\ntwo\n".utf8))
  }

  @Test("Of a long file only the lines at the end are read") func tail() throws {
    defer { unlink(path) }
    #expect(log.append("one\ntwo\nthree\n"))
    #expect(try lines(GrowingFile(path: path, tail: 10)) == ["three"])
    #expect(try lines(GrowingFile(path: path, tail: 9)) == ["three"])
    let file = try GrowingFile(path: path, tail: 3)
    #expect(try lines(file) == [])
    #expect(log.append("four\n"))
    #expect(try lines(file) == ["four"])
  }

  @Test("The tail may begin in the middle of a line that is not complete") func middle() throws {
    defer { unlink(path) }
    #expect(log.append("one two three"))
    let file = try GrowingFile(path: path, tail: 5)
    #expect(try lines(file) == [])
    #expect(log.append(" four\nfive\n"))
    #expect(try lines(file) == ["five"])
  }

  @Test("A file that was truncated is read from its beginning") func truncated() throws {
    defer { unlink(path) }
    #expect(log.append("one\ntwo"))
    let file = try GrowingFile(path: path, tail: 1000)
    #expect(try lines(file) == ["one"])
    truncate(path, 0)
    #expect(log.append("3\n"))
    #expect(try lines(file) == ["3"])
  }

  @Test(
    "What is no file is an error", arguments: [("/nonexistent/log", ENOENT), ("/tmp", EINVAL), ("/dev/null", EINVAL)])
  func failedOpen(path: String, code: Int32) {
    let error = #expect(throws: SystemError.self) { try GrowingFile(path: path, tail: 1) }
    #expect(error?.code == code)
  }
}
