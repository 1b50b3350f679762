import Glibc
import Testing

@testable import Linux

@Suite struct ScratchDirectoryTests {
  @Test("A directory holds its files, and goes with everything that a child has made in it") func files() throws {
    let parent = try TemporaryDirectory()
    let outside = try NamedFile([9], in: parent.path)
    defer { outside.remove() }
    do {
      let directory = try ScratchDirectory(in: parent.path)
      let spool = try SpoolFile(size: 3, in: parent.path)
      try spool.append([1, 0, 2])
      try directory.add("000001", [])
      try directory.add("000002", spool)
      #expect(directory.path.hasPrefix(parent.path + "/"))
      #expect(try SmallFile.read(directory.path + "/000001") == [])
      #expect(try SmallFile.read(directory.path + "/000002") == [1, 0, 2])
      #expect(mkdir(directory.path + "/own", 0o700) == 0 && symlink(parent.path, directory.path + "/own/link") == 0)
      #expect(throws: SystemError(call: "open", code: EEXIST)) { try directory.add("000001", [1]) }
    }
    #expect(try parent.entries.count == 1 && SmallFile.read(outside.path) == [9])
  }

  @Test("A directory is not made where there is none") func noParent() {
    #expect(throws: SystemError(call: "realpath", code: ENOENT)) { try ScratchDirectory(in: "/none/here") }
  }
}
