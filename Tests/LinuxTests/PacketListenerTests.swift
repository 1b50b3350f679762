import Glibc
import Testing

@testable import Linux

@Suite struct PacketListenerTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/s.sock" }

  init() throws { directory = try TemporaryDirectory() }

  private func listen() throws -> PacketListener { try PacketListener(path: path, maxPacketSize: 64) }

  @Test("The name is removed with the socket") func theNameIsRemovedWithTheSocket() throws {
    var listener: PacketListener? = try listen()
    #expect(try directory.entries == ["s.sock"])
    withExtendedLifetime(listener) {}
    listener = nil
    #expect(try directory.entries == [])
  }

  @Test("Whoever may enter the directory may connect") func whoeverMayEnterTheDirectoryMayConnect() throws {
    let listener = try listen()
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o666)
    withExtendedLifetime(listener) {}
  }

  @Test("A socket that a process has left behind is replaced") func aSocketThatAProcessHasLeftBehindIsReplaced() throws
  {
    let left = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(left)
    let listener = try listen()
    _ = try PacketSocket(connectingTo: path, maxPacketSize: 64)
    #expect(try listener.accept() != nil)
  }

  @Test("A socket on which a process listens stays") func aSocketOnWhichAProcessListensStays() throws {
    let first = try listen()
    #expect(throws: SystemError(call: "bind", code: EADDRINUSE)) { try listen() }
    _ = try PacketSocket(connectingTo: path, maxPacketSize: 64)
    #expect(try first.accept() != nil)
  }

  @Test("Another file stays") func anotherFileStays() throws {
    let file = try #require(fopen(path, "w"))
    fclose(file)
    #expect(throws: SystemError(call: "bind", code: EADDRINUSE)) { try listen() }
    #expect(unlink(path) == 0)
  }

  @Test(
    "A path that no address holds is refused",
    arguments: ["", String(repeating: "x", count: PacketSocket.maxPathLength + 1)])
  func aPathThatNoAddressHoldsIsRefused(path: String) {
    #expect(throws: SystemError(call: "connect", code: ENAMETOOLONG)) {
      try PacketSocket(connectingTo: path, maxPacketSize: 64)
    }
  }

  @Test("Nobody answers where no socket is") func nobodyAnswersWhereNoSocketIs() {
    #expect(throws: SystemError(call: "connect", code: ENOENT)) {
      try PacketSocket(connectingTo: path, maxPacketSize: 64)
    }
  }

  @Test("A packet with too many descriptors is refused and leaves none open")
  func aPacketWithTooManyDescriptorsIsRefusedAndLeavesNoneOpen() throws {
    let listener = try listen()
    let sender = try PacketSocket(connectingTo: path, maxPacketSize: 64)
    let receiver = try #require(try listener.accept())
    let descriptors = try (0..<PacketSocket.maxPassedCount).map { _ in try MemoryFile.make([]) }
    try sender.send([UInt8](repeating: 1, count: 65), passing: descriptors)
    #expect(throws: SystemError(call: "recvmsg", code: EMSGSIZE)) { try receiver.receive() }
    try sender.send([1], passing: descriptors)
    guard case .packet([1], let passed) = try receiver.receive() else {
      Issue.record("no packet")
      return
    }
    #expect(passed.count == PacketSocket.maxPassedCount)
  }

  @Test("What was sent before the end is read though the other side has left something unread")
  func whatWasSentBeforeTheEndIsReadThoughTheOtherSideHasLeftSomethingUnread() throws {
    let listener = try listen()
    var sender: PacketSocket? = try PacketSocket(connectingTo: path, maxPacketSize: 64)
    let receiver = try #require(try listener.accept())
    try receiver.send([7])
    try sender?.send([1])
    sender = nil
    guard case .packet([1], _) = try receiver.receive(), case .ended = try receiver.receive() else {
      Issue.record("the packet is lost")
      return
    }
  }

  @Test("An output file may be opened again") func anOutputFileMayBeOpenedAgain() throws {
    let output = try OutputFile(in: directory.path)
    let writer = try #require(output.writer)
    let again = open("/proc/self/fd/\(writer.number)", O_WRONLY | O_APPEND)
    #expect(again >= 0 && write(again, "ab", 2) == 2)
    close(again)
    output.closeWriter()
    #expect(output.writer == nil)
    #expect(try MemoryFile.read(try output.rewoundReader(), limit: 10) == Array("ab".utf8))
    var status = stat()
    #expect(fstat(try output.rewoundReader().number, &status) == 0 && status.st_nlink == 0)
  }
}
