import Glibc
import Testing

@testable import Linux

@Suite struct SpoolFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func filled(_ parts: [UInt8]...) throws -> SpoolFile {
    let file = try SpoolFile(size: UInt64(parts.reduce(0) { $0 + $1.count }), in: directory.path)
    for part in parts { try file.append(part) }
    return file
  }

  private func readAll(_ input: ChildInput) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 3)
    while true {
      let count = read(input.readEndNumber, &buffer, buffer.count)
      guard count >= 0 else { throw SystemError("read") }
      guard count > 0 else { return bytes }
      bytes += buffer[..<count]
    }
  }

  @Test("Appended bytes can be read") func append() throws {
    let file = try filled([1, 2, 3], [], [4, 5])
    #expect(file.isComplete)
    #expect(try file.read(at: 0, count: 100) == [1, 2, 3, 4, 5])
    #expect(try file.read(at: 2, count: 2) == [3, 4])
    #expect(try file.read(at: 5, count: 1).isEmpty)
    #expect(try file.read(at: .max, count: 1).isEmpty)
  }

  @Test("Reserved space that was not written cannot be read") func reservedSpace() throws {
    let file = try SpoolFile(size: 5, in: directory.path)
    try file.append([1, 2])
    #expect(!file.isComplete)
    #expect(try file.read(at: 0, count: 5) == [1, 2])
  }

  @Test("An empty body is a file as well") func emptyBody() throws {
    let file = try filled()
    #expect(file.isComplete)
    #expect(try readAll(ChildInput(file)).isEmpty)
  }

  @Test("The file has no name", arguments: [true, false]) func noName(canBeUnnamed: Bool) throws {
    let file = try SpoolFile(size: 1, in: directory.path, canBeUnnamed: canBeUnnamed)
    try file.append([1])
    #expect(try directory.entries.isEmpty)
    #expect(try file.read(at: 0, count: 1) == [1])
  }

  @Test("More bytes than announced are rejected") func tooManyBytes() throws {
    let file = try filled([1])
    #expect(throws: SystemError(call: "write", code: EFBIG)) { try file.append([2]) }
    #expect(try file.read(at: 0, count: 9) == [1])
  }

  @Test(
    "A size that exceeds the disk is rejected at once and leaves no file behind",
    arguments: [UInt64(1) << 53, 1 << 63, .max])
  func hugeSize(size: UInt64) throws {
    let error = #expect(throws: SystemError.self) { try SpoolFile(size: size, in: directory.path) }
    #expect(error.map { [ENOSPC, EFBIG, EDQUOT].contains($0.code) } == true)
    #expect(try directory.entries.isEmpty)
  }

  @Test("A missing directory is an error") func missingDirectory() {
    #expect(throws: SystemError(call: "open", code: ENOENT)) { try SpoolFile(size: 1, in: directory.path + "/none") }
  }

  @Test("A worker cannot write to the file, and a file that root's worker truncated cannot be read")
  func protectedContent() throws {
    let file = try filled([1, 2, 3])
    let number = open("/proc/self/fd/\(try ChildInput(file).readEndNumber)", O_WRONLY)
    guard getuid() == 0 else {
      #expect(number == -1 && errno == EACCES)
      return
    }
    try #require(number >= 0)
    defer { close(number) }
    #expect(ftruncate(number, 2) == 0)
    #expect(throws: SystemError.fileChanged) { try file.read(at: 0, count: 3) }
    #expect(throws: SystemError.fileChanged) { try file.read(at: 2, count: 1) }
  }

  @Test("Each child reads the file from its beginning") func childInput() throws {
    let file = try filled([1, 2, 3], [4, 5])
    for _ in 1...2 {
      let input = try ChildInput(file)
      #expect(input.interest == nil)
      #expect(try readAll(input) == [1, 2, 3, 4, 5])
      #expect(write(input.readEndNumber, [9], 1) == -1 && errno == EBADF)
    }
  }

  @Test("Reading at an offset does not move the child's position") func readingAtOffset() throws {
    let file = try filled([1, 2, 3])
    let input = try ChildInput(file)
    _ = try file.read(at: 0, count: 2)
    #expect(try readAll(input) == [1, 2, 3])
  }
}
