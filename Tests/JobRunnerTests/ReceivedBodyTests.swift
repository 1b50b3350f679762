import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct ReceivedBodyTests {
  private func spooled(_ parts: [[UInt8]]) throws -> ReceivedBody {
    var spool = BodyCollector(directory: "/tmp")
    let size = UInt64(parts.reduce(0) { $0 + $1.count })
    for part in parts { try spool.append(part, of: size) }
    let body = spool.body(of: delivery(size))
    return try #require(body)
  }

  private func delivery(_ size: UInt64, body: [UInt8] = []) -> Delivery {
    let envelope = Envelope(consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    return Delivery(envelope: envelope, properties: BasicProperties(), body: body, bodySize: size)
  }

  @Test("A body is read alike from memory and from a file") func memoryAndFileReadAlike() throws {
    let file = try spooled([[1, 2, 3], [4, 5]])
    guard case .file = file else {
      Issue.record("it is not in a file")
      return
    }
    for body in [.memory([1, 2, 3, 4, 5]), file] {
      #expect(body.size == 5)
      #expect(try body.read(at: 0, atMost: 9) == [1, 2, 3, 4, 5])
      #expect(try body.read(at: 1, atMost: 3) == [2, 3, 4])
      #expect(try body.read(at: 5, atMost: 1).isEmpty && body.read(at: .max, atMost: 1).isEmpty)
    }
  }

  @Test("A body that came whole stays in memory") func aBodyThatCameWholeStaysInMemory() {
    var spool = BodyCollector(directory: "/nonexistent")
    guard case .memory([1, 2])? = spool.body(of: delivery(2, body: [1, 2])) else {
      Issue.record("it is not in memory")
      return
    }
  }

  @Test("A body that cannot be stored is reported once, and passes through")
  func whatCannotBeSpooledIsToldOnceAndPassesThrough() throws {
    var spool = BodyCollector(directory: "/nonexistent")
    spool.announce(delivery(2))
    #expect(throws: SystemError.self) { try spool.append([1], of: 2) }
    try spool.append([2], of: 2)
    let passing = try #require(spool.streamed)
    #expect(spool.body(of: delivery(2)) == nil)
    #expect(try passing.read(at: 0, atMost: 9) == [1] && passing.read(at: 1, atMost: 9) == [2])
    #expect(spool.body(of: delivery(1, body: [1]))?.size == 1)
  }

  @Test("A closed channel ends only its own body") func aClosedChannelEndsItsOwnBodyAlone() throws {
    var bodies = Bodies(directory: "/tmp")
    for slot in 0...1 { _ = bodies.append([9, 9], of: 3, slot: slot) }
    bodies.discardIncoming(slot: 0)
    _ = bodies.append([1, 2, 3], of: 3, slot: 0)
    _ = bodies.append([9], of: 3, slot: 1)
    #expect(try bodies.complete(delivery(3), slot: 0)?.read(at: 0, atMost: 9) == [1, 2, 3])
    #expect(try bodies.complete(delivery(3), slot: 1)?.read(at: 0, atMost: 9) == [9, 9, 9])
  }

  @Test("A body that was left unfinished cannot spoil another one") func whatWasNotDiscardedSpoilsNoBody() throws {
    var spool = BodyCollector(directory: "/tmp")
    try spool.append([9, 9], of: 3)
    #expect(throws: SystemError.self) { try spool.append([1, 2, 3], of: 3) }
    #expect(spool.body(of: delivery(3)) == nil)
  }
}

/// Bodies that cannot be stored.
@Suite struct PassingBodyTests {
  private let message = Delivery(
    envelope: Envelope(consumerTag: "t", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q"),
    properties: BasicProperties(), body: [], bodySize: 4)

  /// The part of the slot's item that cannot be stored, and the message that is reported.
  private func failing(_ bodies: inout Bodies, slot: Int = 0) throws {
    bodies.announce(message, slot: slot)
    let failure = bodies.append([1, 2], of: 4, slot: slot)
    #expect(failure?.message == message && failure?.reason == "No such file or directory")
  }

  @Test("A copy gets the whole body, and knows how much has arrived")
  func theCopyGetsItAllAndIsToldOfWhatIsThere() throws {
    var bodies = Bodies(directory: "/nonexistent")
    try failing(&bodies)
    let source = try #require(bodies.source(slot: 0))
    #expect(source.size == 4 && source.availableSize == 2)
    #expect(try source.read(at: 0, atMost: 1) == [1] && source.read(at: 1, atMost: 9) == [2])
    #expect(try source.read(at: 2, atMost: 9).isEmpty)
    #expect(bodies.append([3, 4], of: 4, slot: 0) == nil && source.availableSize == 4)
    #expect(bodies.complete(message, slot: 0) == nil && bodies[0] == nil)
    #expect(try source.read(at: 2, atMost: 9) == [3, 4])
  }

  @Test("A copy begins with the part that was stored") func whatWasStoredComesFirst() throws {
    let file = try SpoolFile(size: 4, in: "/tmp")
    try file.append([1, 2])
    let body = StreamedBody(size: 4, stored: file)
    body.append([3, 4])
    #expect(body.availableSize == 4 && body.waitingCount == 2)
    #expect(try body.read(at: 0, atMost: 9) == [1, 2] && body.read(at: 2, atMost: 9) == [3, 4])
  }

  @Test("No byte that passes through is read twice") func nothingIsReadTwice() throws {
    let body = StreamedBody(size: 4, stored: nil)
    body.append([1, 2])
    _ = try body.read(at: 0, atMost: 2)
    #expect(throws: SystemError.self) { try body.read(at: 0, atMost: 2) }
  }

  @Test("A body that passes through is read only as fast as it is handed on")
  func noMoreIsTakenFromTheBrokerThanIsHandedOn() throws {
    var bodies = Bodies(directory: "/nonexistent")
    let part = [UInt8](repeating: 7, count: StreamedBody.maxWaiting)
    #expect(bodies.append(part, of: 1 << 30, slot: 0) == nil)
    #expect(bodies.areFull)
    _ = try bodies.source(slot: 0)?.read(at: 0, atMost: 1)
    #expect(!bodies.areFull)
    _ = bodies.append(part, of: 1 << 30, slot: 0)
    bodies.release(slot: 0)
    #expect(!bodies.areFull && bodies.source(slot: 0) == nil)
    #expect(bodies.append(part, of: 1 << 30, slot: 0) == nil)
    #expect(!bodies.areFull)
  }

  @Test("A copy fails if the rest of its body will not come", arguments: [true, false])
  func aCopyWhoseRestWillNotComeFails(releases: Bool) throws {
    var bodies = Bodies(directory: "/nonexistent")
    try failing(&bodies)
    let source = try #require(bodies.source(slot: 0))
    if releases { bodies.release(slot: 0) } else { bodies.discardIncoming() }
    #expect(source.availableSize == 4)
    #expect(throws: SystemError.self) { try source.read(at: 0, atMost: 9) }
  }

  @Test("An item that comes unasked leaves the one in hand alone")
  func anItemThatCameUnaskedLeavesTheOneInHandAlone() throws {
    var bodies = Bodies(directory: "/nonexistent")
    try bodies.keep(.memory([9]), slot: 0)
    try failing(&bodies)
    #expect(try bodies.source(slot: 0)?.read(at: 0, atMost: 9) == [9])
    _ = bodies.append([UInt8](repeating: 7, count: StreamedBody.maxWaiting), of: 1 << 30, slot: 0)
    #expect(!bodies.areFull)
  }
}

@Suite struct ItemDigestTests {
  private let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  private func digest(_ bytes: [UInt8], cutAt step: Int) -> Int {
    var digest = ItemDigest()
    for start in stride(from: 0, to: bytes.count, by: step) {
      digest.append(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    return digest.value
  }

  @Test("The digest does not depend on how the bytes are cut", arguments: [1, 3, 7, 8, 9, 16, 999])
  func howTheBytesAreCutMakesNoDifference(step: Int) {
    for count in [1000, 999, 993, 8, 7, 1] {
      let bytes = Array(bytes[..<count])
      #expect(digest(bytes, cutAt: step) == digest(bytes, cutAt: 1000))
    }
  }

  @Test("Every bit and the size count in the digest") func everyBitAndTheSizeCount() {
    let whole = digest(bytes, cutAt: 1000)
    for index in bytes.indices {
      var other = bytes
      other[index] ^= 1
      #expect(digest(other, cutAt: 1000) != whole)
    }
    let zeros = (0...64).map { digest([UInt8](repeating: 0, count: $0), cutAt: 5) }
    #expect(Set(zeros).count == zeros.count)
  }

  @Test("A body has the same digest in memory and in a file") func memoryAndFileAreDigestedAlike() throws {
    let bytes = [UInt8](repeating: 5, count: 65_536) + bytes
    var spool = BodyCollector(directory: "/tmp")
    for part in [bytes[..<66_000], bytes[66_000...]] { try spool.append(Array(part), of: UInt64(bytes.count)) }
    let envelope = Envelope(consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let delivery = Delivery(
      envelope: envelope, properties: BasicProperties(), body: [], bodySize: UInt64(bytes.count))
    let digest = try ReceivedBody.memory(bytes).digest()
    #expect(try spool.body(of: delivery)?.digest() == digest)
    #expect(self.digest(bytes, cutAt: 77) == digest)
  }
}
