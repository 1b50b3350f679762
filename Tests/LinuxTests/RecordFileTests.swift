import Glibc
import Testing

@testable import Linux

@Suite struct RecordFileTests {
  private let path: String

  init() { path = "/tmp/amqp-job-record-\(UInt64.random(in: .min ... .max))" }

  private func write(_ text: String) throws {
    let file = Descriptor(owning: open(path, O_WRONLY | O_CREAT, 0o600))
    _ = try file.write(Array(text.utf8)[...])
  }

  @Test("The file holds the last record") func lastRecord() throws {
    defer { unlink(path) }
    let file = try RecordFile(path) { _ in false }
    try file.replace(with: [1, 2, 3])
    try file.replace(with: [4, 5, 6])
    #expect(try RecordFile.read(path) == [4, 5, 6])
  }

  @Test("A file with other content is left alone") func otherFile() throws {
    try write("something else")
    defer { unlink(path) }
    #expect(throws: SystemError(call: "open", code: EEXIST)) { try RecordFile(path) { $0 == [1] } }
    #expect(try RecordFile.read(path) == Array("something else".utf8))
  }

  @Test("An existing record file and an empty file are taken over") func existingFile() throws {
    try write("")
    defer { unlink(path) }
    try RecordFile(path) { _ in false }.replace(with: [1])
    try RecordFile(path) { $0 == [1] }.replace(with: [2])
    #expect(try RecordFile.read(path) == [2])
  }

  @Test("A path that is not a regular file is neither taken over nor read", .timeLimit(.minutes(1)))
  func notRegularFile() throws {
    try #require(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    for path in [path, "/dev/null"] {
      #expect(throws: SystemError(call: "open", code: EEXIST)) { try RecordFile(path) { _ in true } }
      #expect(throws: SystemError.self) { try RecordFile.read(path) }
    }
  }

  @Test("Links are not followed") func links() throws {
    let target = path + "-target"
    try #require(symlink(target, path) == 0)
    defer { for each in [path, target] { unlink(each) } }
    #expect(throws: RecordFile.LinkError.symbolicLink) { try RecordFile(path) { _ in true } }
    #expect(access(target, F_OK) != 0)
    try RecordFile(target) { _ in true }.replace(with: [1])
    #expect(throws: RecordFile.LinkError.symbolicLink) { try RecordFile.read(path) }
    unlink(path)
    try #require(Glibc.link(target, path) == 0)
    #expect(throws: RecordFile.LinkError.hardLink) { try RecordFile(path) { _ in true } }
    #expect(try RecordFile.read(path) == [1])
  }

  @Test("A missing directory is an error") func missingDirectory() {
    #expect(throws: SystemError(call: "open", code: ENOENT)) { try RecordFile("/no/such/place") { _ in true } }
  }

  @Test("A removed file does not exist") func removed() throws {
    let file = try RecordFile(path) { _ in false }
    file.remove()
    #expect(throws: SystemError(call: "open", code: ENOENT)) { try RecordFile.read(path) }
  }
}
