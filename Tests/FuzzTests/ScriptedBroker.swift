@testable import AMQP

/// A broker that answers the bytes of a runner with the bytes that a real broker sends.
struct ScriptedBroker {
  private let hasRetries: Bool
  /// The channel on which the runner asks for the kind of the queue. On the next channel it asks for the retry queue and
  /// the dead-letter queue.
  private let kindChannel: UInt16
  private var reader = FrameReader()
  private var greetingCount = 0
  private var items: [(properties: [UInt8], body: [UInt8])]
  private var lastTag: UInt64 = 0
  private var familyQuestions = 0
  private var consumers: [UInt16: [UInt8]] = [:]

  init(slots: Int, hasRetries: Bool, items: [(properties: [UInt8], body: [UInt8])]) {
    kindChannel = UInt16(slots + 1)
    self.hasRetries = hasRetries
    self.items = items
  }

  /// Takes the bytes that the client has sent, and returns the answer.
  mutating func answer(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes[...]
    var answer: [UInt8] = []
    if greetingCount < 8, !bytes.isEmpty {
      greetingCount = 8
      bytes = bytes.dropFirst(8)
      answer += method(0, [0, 10, 0, 10, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5] + Array("PLAIN".utf8) + [0, 0, 0, 0])
    }
    reader.append(bytes)
    while let frame = try? reader.next() {
      guard frame.kind == .method, frame.payload.count >= 4 else { continue }
      answer += self.answer(Array(frame.payload), on: frame.channel)
    }
    return answer
  }

  private mutating func answer(_ payload: [UInt8], on channel: UInt16) -> [UInt8] {
    switch (payload[1], payload[3]) {
    case (10, 11): return method(0, [0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 0])
    case (10, 40): return method(0, [0, 10, 0, 41, 0])
    case (10, 50): return method(0, [0, 10, 0, 51])
    case (20, 10): return method(channel, [0, 20, 0, 11, 0, 0, 0, 0])
    case (20, 40): return method(channel, [0, 20, 0, 41])
    case (50, 10): return declared(channel)
    case (60, 10): return method(channel, [0, 60, 0, 11])
    case (60, 20):
      let tag = shortString(payload, at: 6 + shortString(payload, at: 6).count)
      consumers[channel] = tag
      return method(channel, [0, 60, 0, 21] + tag) + delivery(on: channel)
    case (60, 30):
      consumers[channel] = nil
      return method(channel, [0, 60, 0, 31] + shortString(payload, at: 4))
    case (60, 70): return method(channel, [0, 60, 0, 72, 0])
    case (60, 80), (60, 90), (60, 120): return delivery(on: channel)
    default: return []
    }
  }

  private mutating func declared(_ channel: UInt16) -> [UInt8] {
    if channel == kindChannel {
      return close(channel, 406, "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/'")
    }
    if channel == kindChannel + 1 {
      familyQuestions += 1
      if familyQuestions > 1, !hasRetries { return close(channel, 404, "NOT_FOUND - no queue 'q.retry' in vhost '/'") }
    }
    return method(channel, [0, 50, 0, 11, 1, 113, 0, 0, 0, UInt8(items.count), 0, 0, 0, UInt8(consumers.count)])
  }

  private func close(_ channel: UInt16, _ code: UInt16, _ text: String) -> [UInt8] {
    method(
      channel,
      [0, 20, 0, 40, UInt8(code >> 8), UInt8(code & 255), UInt8(text.utf8.count)] + Array(text.utf8) + [0, 0, 0, 0])
  }

  private mutating func delivery(on channel: UInt16) -> [UInt8] {
    guard let tag = consumers[channel], !items.isEmpty else { return [] }
    let item = items.removeFirst()
    lastTag += 1
    var envelope: [UInt8] = [0, 60, 0, 60] + tag
    envelope.append(bigEndian: lastTag)
    var header: [UInt8] = [0, 60, 0, 0]
    header.append(bigEndian: UInt64(item.body.count))
    var bytes = method(channel, envelope + [0, 0, 1, 113])
    Frame.write(.header, channel: channel, payload: header + item.properties, to: &bytes)
    for start in stride(from: 0, to: item.body.count, by: 10) {
      Frame.write(.body, channel: channel, payload: item.body[start..<min(start + 10, item.body.count)], to: &bytes)
    }
    return bytes
  }

  private func method(_ channel: UInt16, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    Frame.write(.method, channel: channel, payload: payload, to: &bytes)
    return bytes
  }

  private func shortString(_ payload: [UInt8], at position: Int) -> [UInt8] {
    Array(payload[position...position + Int(payload[position])])
  }
}
