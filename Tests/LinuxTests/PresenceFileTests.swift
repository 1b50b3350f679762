import Glibc
import Testing

@testable import Linux

/// A file that is there while something holds.
@Suite struct PresenceFileTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/leader" }

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ text: String) throws {
    _ = try Descriptor(owning: open(path, O_WRONLY | O_CREAT, 0o600)).write(Array(text.utf8)[...])
  }

  @Test("It is there from show to remove, with its whole content and nothing beside it") func presence() throws {
    let file = try PresenceFile(path) { _ in false }
    #expect(try directory.entries == [])
    try file.show(Array("first".utf8))
    try file.show(Array("second, longer".utf8))
    #expect(try RecordFile.read(path) == Array("second, longer".utf8) && directory.entries == ["leader"])
    file.remove()
    file.remove()
    #expect(try directory.entries == [])
  }

  @Test("One that an earlier process has left is removed, and another file is left alone") func formerFile() throws {
    try write("ours")
    #expect(throws: SystemError(call: "open", code: EEXIST)) { try PresenceFile(path) { $0 == [] } }
    #expect(try directory.entries == ["leader"])
    _ = try PresenceFile(path) { $0 == Array("ours".utf8) }
    #expect(try directory.entries == [])
  }

  @Test("A link is not followed") func link() throws {
    symlink("/dev/null", path)
    defer { unlink(path) }
    #expect(throws: RecordFile.LinkError.symbolicLink) { try PresenceFile(path) { _ in true } }
  }

  @Test("A folder that is missing shows at once") func missingFolder() {
    #expect(throws: SystemError(call: "open", code: ENOENT)) {
      try PresenceFile("/no/such/folder/leader") { _ in true }
    }
  }
}
