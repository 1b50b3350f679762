import Linux
import Testing

@testable import Steps

@Suite struct StepMessageTests {
  static let all: [StepMessage] = [
    .hello(version: 1, program: "0.2.0"), .hello(version: .max, program: ""), .hello(version: .min, program: "é"),
    .run(streams: [], slot: 0), .run(streams: [.output, .error], slot: 999), .signal(.terminate, slot: 3), .end,
    .notStarted(SystemError(call: "exec", code: 2), slot: 1), .ended(.exited(0), slot: 0),
    .ended(.exited(255), slot: 7),
    .ended(.killed(.kill), slot: Int(Int32.max)),
  ]

  @Test("A message is read as it was written", arguments: all) func isReadAsItWasWritten(message: StepMessage) {
    #expect(StepMessage(message.bytes) == message)
    #expect(message.bytes.count <= StepMessage.maxSize)
  }

  @Test("A message has the form that the page Steps describes") func hasTheFormThatThePageDescribes() {
    #expect(StepMessage.hello(version: 1, program: "x").bytes == Array("H\0\0\0\0\u{1}\0\0\0x".utf8))
    #expect(StepMessage.ended(.exited(3), slot: 258).bytes == [88, 2, 1, 0, 0, 3, 0, 0, 0])
  }

  @Test("A packet that is cut is no message", arguments: all) func isNothingIfItIsCut(message: StepMessage) {
    for count in 0..<9 { #expect(StepMessage(Array(message.bytes.prefix(count))) == nil) }
  }

  @Test(
    "An unknown packet is no message",
    arguments: [
      [UInt8](repeating: 0, count: 9), Array("Z\0\0\0\0\0\0\0\0".utf8), Array("GET / HTTP/1.1\r\n".utf8),
      [82, 0, 0, 0, 128, 0, 0, 0, 0],  // a negative slot
      [88, 0, 0, 0, 0, 0, 1, 0, 0], [88, 0, 0, 0, 0, 255, 255, 255, 255],  // exit statuses of no process
      [75, 0, 0, 0, 0, 0, 0, 0, 0], [83, 0, 0, 0, 0, 65, 0, 0, 0],  // numbers of no signal
    ])
  func isNothingIfItIsUnknown(bytes: [UInt8]) {
    #expect(StepMessage(bytes) == nil)
  }

  @Test("A text is cut to the size of a packet") func isCutToTheSizeOfAPacket() {
    let message = StepMessage.hello(version: 1, program: String(repeating: "x", count: 1000))
    #expect(message.bytes.count == StepMessage.maxSize)
    #expect(StepMessage(message.bytes) == .hello(version: 1, program: String(repeating: "x", count: 247)))
  }

  @Test("A text that is not text is read as far as possible") func aTextThatIsNotTextIsReadAsFarAsPossible() {
    #expect(StepMessage([72, 0, 0, 0, 0, 1, 0, 0, 0, 255]) == .hello(version: 1, program: "\u{FFFD}"))
  }

  @Test("A message counts the descriptors that it passes") func countsTheDescriptorsThatItPasses() {
    #expect(StepMessage.Streams([]).descriptorCount == 2)
    #expect(StepMessage.Streams.error.descriptorCount == 3)
    #expect(StepMessage.Streams([.output, .error]).descriptorCount == PacketSocket.maxPassedCount)
  }
}
