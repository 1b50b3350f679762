import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner
@testable import Publishing

/// What a worker reads of its batch.
@Suite struct BatchInputTests {
  private func item(_ configure: (inout BasicProperties) -> Void = { _ in }) -> WorkItem {
    var properties = BasicProperties()
    configure(&properties)
    return WorkItem(
      envelope: Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "x", routingKey: "k"),
      properties: properties, queue: "q")
  }

  @Test("An item as JSON is what 'publish --jsonl' reads") func json() throws {
    let item = item {
      ($0.messageID, $0.type, $0.priority, $0.timestamp) = ("a \"b\"", "t", 3, 77)
      ($0.deliveryMode, $0.userID, $0.expiration) = (2, "guest", "500")
      $0.headers = ["n": .int64(1), "t": .table(["b": .boolean(true)]), "a": .array([.string("x"), .void])]
    }
    let text = "\(item.publishableJSON)".dropLast() + #","body":"\u0000"}"#
    var expected = item.properties
    (expected.deliveryMode, expected.userID) = (nil, nil)
    let read = try JSONItem(Array(text.utf8), defaults: BasicProperties())
    #expect(read.properties == expected && read.body == [0])
  }

  @Test("A property that 'publish --jsonl' does not take is left out", arguments: ["", "0", "x", "4294967296"])
  func strangeProperties(expiration: String) throws {
    let item = item { ($0.expiration, $0.timestamp) = (ByteString(expiration), .max) }
    #expect("\(item.publishableJSON)" == #"{"properties":{},"headers":{}}"#)
  }

  @Test("An entry of the list of a directory has what the item's file has not") func list() {
    let entry = "\(item { $0.messageID = "i" }.listEntry(file: BatchInput.fileName(12)))"
    #expect(
      entry == #"{"file":"000012","attempt":1,"redelivered":false,"exchange":"x","routing_key":"k","#
        + #""properties":{"message_id":"i"},"headers":{}}"#)
    #expect(BatchInput.fileName(1_234_567) == "1234567")
  }

  @Test("Only lines object to a body, and only to one with a newline") func objections() throws {
    for feed in Feed.allCases {
      #expect(try (feed.objection(to: .memory([65, 10])) != nil) == (feed == .lines))
      #expect(try feed.objection(to: .memory([65, 0, 13])) == nil)
    }
  }

  @Test("A worker of several items gets their number, and nothing of one of them", arguments: [false, true])
  func environment(isOfOne: Bool) {
    let environment = WorkerEnvironment([Array("A=b".utf8)], usedSettings: [], passesSettings: false)
    let entries = environment.entries(
      count: 3, of: "q", only: isOfOne ? item { $0.messageID = "i" } : nil, directory: "/d")
    let texts = Set(entries.map { String(decoding: $0, as: UTF8.self) })
    #expect(texts.isSuperset(of: ["A=b", "WORK_ITEM_COUNT=3", "WORK_ITEM_QUEUE=q", "WORK_ITEM_DIR=/d"]))
    #expect(texts.contains("WORK_ITEM_ID=i") == isOfOne && (texts.count == 4) != isOfOne)
  }
}
