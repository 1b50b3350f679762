import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

@Suite struct ItemBodyTests {
  private func spooled(_ parts: [[UInt8]]) throws -> ItemBody {
    var spool = BodySpool(directory: "/tmp")
    let size = UInt64(parts.reduce(0) { $0 + $1.count })
    for part in parts { spool.append(part, of: size) }
    return try spool.body(of: delivery(size))
  }

  private func delivery(_ size: UInt64, body: [UInt8] = []) -> Delivery {
    let envelope = Envelope(consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    return Delivery(envelope: envelope, properties: BasicProperties(), body: body, bodySize: size)
  }

  @Test func memoryAndFileReadAlike() throws {
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

  @Test func aBodyThatCameWholeStaysInMemory() throws {
    var spool = BodySpool(directory: "/nonexistent")
    guard case .memory([1, 2]) = try spool.body(of: delivery(2, body: [1, 2])) else {
      Issue.record("it is not in memory")
      return
    }
  }

  @Test func whatCannotBeSpooledIsToldOnceWithItsDelivery() throws {
    var spool = BodySpool(directory: "/nonexistent")
    for _ in 1...2 { spool.append([1], of: 2) }
    #expect(throws: SystemError.self) { try spool.body(of: delivery(2)) }
    #expect(try spool.body(of: delivery(1, body: [1])).size == 1)
  }

  @Test func aClosedChannelEndsItsOwnBodyAlone() throws {
    var bodies = Bodies(directory: "/tmp")
    for slot in 0...1 { bodies.append([9, 9], of: 3, slot: slot) }
    bodies.discardIncoming(slot: 0)
    bodies.append([1, 2, 3], of: 3, slot: 0)
    bodies.append([9], of: 3, slot: 1)
    #expect(try bodies.keep(delivery(3), slot: 0)?.read(at: 0, atMost: 9) == [1, 2, 3])
    #expect(try bodies.keep(delivery(3), slot: 1)?.read(at: 0, atMost: 9) == [9, 9, 9])
  }

  @Test func whatWasNotDiscardedSpoilsNoBody() {
    var spool = BodySpool(directory: "/tmp")
    spool.append([9, 9], of: 3)
    spool.append([1, 2, 3], of: 3)
    #expect(throws: SystemError.self) { try spool.body(of: delivery(3)) }
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

  @Test(arguments: [1, 3, 7, 8, 9, 16, 999])
  func howTheBytesAreCutMakesNoDifference(step: Int) {
    for count in [1000, 999, 993, 8, 7, 1] {
      let bytes = Array(bytes[..<count])
      #expect(digest(bytes, cutAt: step) == digest(bytes, cutAt: 1000))
    }
  }

  @Test func everyBitAndTheSizeCount() {
    let whole = digest(bytes, cutAt: 1000)
    for index in bytes.indices {
      var other = bytes
      other[index] ^= 1
      #expect(digest(other, cutAt: 1000) != whole)
    }
    let zeros = (0...64).map { digest([UInt8](repeating: 0, count: $0), cutAt: 5) }
    #expect(Set(zeros).count == zeros.count)
  }

  @Test func memoryAndFileAreDigestedAlike() throws {
    let bytes = [UInt8](repeating: 5, count: 65_536) + bytes
    var spool = BodySpool(directory: "/tmp")
    for part in [bytes[..<66_000], bytes[66_000...]] { spool.append(Array(part), of: UInt64(bytes.count)) }
    let envelope = Envelope(consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let delivery = Delivery(
      envelope: envelope, properties: BasicProperties(), body: [], bodySize: UInt64(bytes.count))
    let digest = try ItemBody.memory(bytes).digest()
    #expect(try spool.body(of: delivery).digest() == digest)
    #expect(self.digest(bytes, cutAt: 77) == digest)
  }
}
