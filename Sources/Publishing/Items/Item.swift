package import AMQP
internal import Broker
internal import Linux

/// One message that is to be published.
package struct Item {
  /// Its place among all that there are, 1 the first.
  package var number: Int
  package var messageID: ByteString?
  /// Others than those that all items share.
  var properties: BasicProperties?
  var body: Body
  /// How much it takes to keep it, in bytes.
  var sizeInMemory: Int

  package init(number: Int, messageID: ByteString?, body: [UInt8]) {
    self.init(number: number, messageID: messageID, Content(.memory(body)))
  }

  init(number: Int, messageID: ByteString?, _ content: Content) {
    self.number = number
    self.messageID = messageID
    properties = content.properties
    body = content.body
    sizeInMemory = content.sizeInMemory
  }
}

/// Where the bytes of an item are.
enum Body: BodySource {
  case memory([UInt8])
  case file(InputFile)
  case temporary(TemporaryFile)

  var size: UInt64 {
    switch self {
    case .memory(let bytes): UInt64(bytes.count)
    case .file(let file): file.size
    case .temporary(let file): file.size
    }
  }

  var isOpenFile: Bool {
    if case .memory = self { false } else { true }
  }

  /// - Throws: `SystemError`
  func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    switch self {
    case .memory(let bytes): Array(bytes.dropFirst(Int(clamping: offset)).prefix(max(0, count)))
    case .file(let file): try file.read(at: offset, atMost: count)
    case .temporary(let file): try file.read(at: offset, atMost: count)
    }
  }
}
