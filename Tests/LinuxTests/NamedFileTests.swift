import Glibc
import Testing

@testable import Linux

@Suite struct NamedFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func status(_ path: String) throws -> stat {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return status
  }

  private func spooled(_ bytes: [UInt8], canBeUnnamed: Bool) throws -> SpoolFile {
    let file = try SpoolFile(size: UInt64(bytes.count), in: directory.path, canBeUnnamed: canBeUnnamed)
    try file.append(bytes)
    return file
  }

  @Test("The file holds the bytes, and only its owner can read it, until it is removed") func bytes() throws {
    let file = try NamedFile([1, 0, 2], in: directory.path)
    #expect(file.path.hasPrefix(directory.path + "/"))
    #expect(try SmallFile.read(file.path) == [1, 0, 2])
    #expect(try status(file.path).st_mode & 0o7777 == 0o400)
    file.remove()
    #expect(try directory.entries.isEmpty)
    file.remove()
  }

  @Test("A spooled body gets a name", arguments: [true, false]) func spooledBody(canBeUnnamed: Bool) throws {
    let bytes = [UInt8]((0..<60_000).map { UInt8($0 % 251) })
    let spool = try spooled(bytes, canBeUnnamed: canBeUnnamed)
    #expect(try directory.entries.isEmpty)
    let file = try NamedFile(spool, in: directory.path)
    #expect(try status(file.path).st_size == 60_000)
    #expect(try status(file.path).st_mode & 0o7777 == 0o400)
    #expect(try directory.entries.count == 1)
    #expect(try SmallFile.read(file.path) == bytes)
    file.remove()
    #expect(try directory.entries.isEmpty)
    #expect(try spool.read(at: 0, count: .max) == bytes)
  }

  @Test("A spool file is not copied if the file system can give it a name") func linkedSpoolFile() throws {
    let spool = try spooled([1, 2, 3], canBeUnnamed: true)
    let file = try NamedFile(spool, in: directory.path)
    defer { file.remove() }
    var named = stat()
    let number = open(file.path, O_RDONLY)
    defer { close(number) }
    try #require(fstat(number, &named) == 0)
    var unnamed = stat()
    try #require(fstat(try ChildInput(spool).readEndNumber, &unnamed) == 0)
    #expect(named.st_ino == unnamed.st_ino)
  }

  @Test("A body that was modified through its name cannot be read") func modifiedBody() throws {
    let spool = try spooled([1, 2, 3], canBeUnnamed: true)
    let file = try NamedFile(spool, in: directory.path)
    defer { file.remove() }
    #expect(try spool.read(at: 0, count: 3) == [1, 2, 3])
    try #require(chmod(file.path, 0o600) == 0)
    let number = open(file.path, O_WRONLY)
    try #require(number >= 0)
    defer { close(number) }
    // The kernel updates the clock for file times only every few milliseconds.
    usleep(20_000)
    try #require(write(number, [9], 1) == 1)
    #expect(throws: SystemError.fileChanged) { try spool.read(at: 0, count: 3) }
  }

  @Test("Removing a file removes whatever has its name") func remove() throws {
    let file = try NamedFile([1], in: directory.path)
    try #require(unlink(file.path) == 0)
    close(open(file.path, O_WRONLY | O_CREAT, 0o600))
    file.remove()
    #expect(try directory.entries.isEmpty)
  }

  @Test("The path is absolute even if the directory is relative") func relativeDirectory() throws {
    let file = try NamedFile([1], in: ".")
    defer { file.remove() }
    #expect(file.path.hasPrefix("/") && access(file.path, R_OK) == 0)
  }

  @Test("A missing directory is an error") func missingDirectory() {
    #expect(throws: SystemError(call: "realpath", code: ENOENT)) { try NamedFile([1], in: directory.path + "/none") }
  }
}
