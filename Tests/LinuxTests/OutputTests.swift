import Glibc
import Testing

@testable import Linux

/// Pipes and files for what children write.
@Suite struct OutputTests {
  private func read(_ pipe: OutputPipe) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 3)
    for _ in 0..<100 where !pipe.isAtEnd { bytes += buffer[..<(try pipe.read(into: &buffer))] }
    return bytes
  }

  @Test("A pipe gives what was in it when the child ended, and nothing that another process writes later")
  func aPipeEndsWithItsChild() throws {
    let pipe = try OutputPipe()
    let writer = try #require(pipe.writer)
    _ = try writer.write(Array("12345678".utf8)[...])
    pipe.childEnded()
    _ = try writer.write(Array("late".utf8)[...])
    #expect(try read(pipe) == Array("12345678".utf8))
    #expect(pipe.isAtEnd && pipe.interest == nil)
  }

  @Test("An empty pipe ends with its child, though another process has it open") func anEmptyPipe() throws {
    let pipe = try OutputPipe()
    let writer = pipe.writer
    pipe.closeWriter()
    #expect(!pipe.isAtEnd)
    pipe.childEnded()
    #expect(pipe.isAtEnd)
    _ = writer
  }

  @Test("A new file follows no link, and takes no name that there is") func aNewFile() throws {
    let temporary = try TemporaryDirectory()
    let path = temporary.path
    let directory = try OutputDirectory(path)
    symlink("\(path)/target", "\(path)/link")
    #expect(throws: SystemError.self) { try directory.create("link") }
    let file = try directory.create("a")
    try file.append(Array("text".utf8)[...])
    try file.complete()
    #expect(file.path == "\(path)/a")
    do throws(SystemError) {
      _ = try directory.create("a")
      Issue.record("the name was taken")
    } catch { #expect(error.isTaken) }
    file.remove()
    #expect(access("\(path)/a", F_OK) != 0 && access("\(path)/target", F_OK) != 0)
    #expect(try temporary.entries == ["link"])
    unlink("\(path)/link")
  }
}
