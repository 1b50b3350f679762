import Glibc
import Linux
import Testing

@testable import Steps

@Suite struct StepConnectionTests {
  private let directory: String
  private var path: String { directory + "/s.sock" }

  init() throws {
    var template = Array("/tmp/amqp-job-test-XXXXXX".utf8CString)
    directory = String(cString: try #require(mkdtemp(&template)))
  }

  /// Both ends of a connection, and the socket.
  private func pair() throws -> (runner: StepConnection, step: StepConnection, listener: PacketListener) {
    let listener = try PacketListener(path: path, maxPacketSize: StepMessage.maxSize)
    let runner = try StepConnection(path: path)
    return (runner, StepConnection(try #require(try listener.accept())), listener)
  }

  @Test("A message arrives whole with its descriptors") func aMessageArrivesWholeWithItsDescriptors() throws {
    let (runner, step, _) = try pair()
    let variables = try MemoryFile.make(Array("WORK_ITEM_ID=7\0".utf8))
    let input = try MemoryFile.make([1, 0, 2])
    #expect(runner.send(.run(streams: [], slot: 3), passing: [variables, input]))
    guard case .message(.run(streams: [], slot: 3), let passed) = step.receive() else {
      Issue.record("no message")
      return
    }
    #expect(passed.count == 2)
    #expect(try MemoryFile.read(passed[0], limit: 100) == Array("WORK_ITEM_ID=7\0".utf8))
    #expect(try MemoryFile.read(passed[1], limit: 3) == [1, 0, 2])
    #expect(throws: SystemError(call: "read", code: EFBIG)) { try MemoryFile.read(passed[1], limit: 2) }
    guard case .nothing = step.receive() else {
      Issue.record("more came than was sent")
      return
    }
    rmdir(directory)
  }

  @Test("Rubbish is no message") func rubbishIsNoMessage() throws {
    let listener = try PacketListener(path: path, maxPacketSize: StepMessage.maxSize)
    let peer = try PacketSocket(connectingTo: path, maxPacketSize: 4096)
    let step = StepConnection(try #require(try listener.accept()))
    for bytes in [[UInt8](repeating: 120, count: StepMessage.maxSize + 1), Array("x".utf8)] {
      try peer.send(bytes)
      guard case .unknown = step.receive() else {
        Issue.record("\(bytes.count) bytes are taken for something")
        return
      }
    }
    rmdir(directory)
  }

  @Test("The end of the other side is noticed once everything is read")
  func theEndOfTheOtherSideIsNoticedOnceEverythingIsRead() throws {
    var (runner, step, listener) = try pair() as (StepConnection?, StepConnection, PacketListener)
    #expect(runner?.send(.end) == true)
    runner = nil
    guard case .message(.end, _) = step.receive(), case .ended = step.receive() else {
      Issue.record("the end was not noticed")
      return
    }
    #expect(!step.send(.end))
    withExtendedLifetime(listener) {}
    rmdir(directory)
  }

  @Test("A side that does not read is noticed") func aSideThatDoesNotReadIsNoticed() throws {
    let (runner, step, _) = try pair()
    var count = 0
    while runner.send(.end), count < 1_000_000 { count += 1 }
    #expect(count > 16 && count < 1_000_000)
    withExtendedLifetime(step) {}
    rmdir(directory)
  }
}
