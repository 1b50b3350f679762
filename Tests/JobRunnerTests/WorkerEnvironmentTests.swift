import AMQP
import Broker
import Testing

@testable import JobRunner

@Suite struct WorkerEnvironmentTests {
  private func item(_ headers: FieldTable = [:], _ configure: (inout BasicProperties) -> Void = { _ in }) -> WorkItem {
    var properties = BasicProperties()
    if !headers.entries.isEmpty { properties.headers = headers }
    configure(&properties)
    let envelope = Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "x", routingKey: "k")
    return WorkItem(envelope: envelope, properties: properties, queue: "q")
  }

  private func variables(
    _ item: WorkItem, inherited: [String] = [], used: Set<String> = [], passes: Bool = false
  ) -> [String: String] {
    let environment = WorkerEnvironment(
      inherited.map { Array($0.utf8) }, usedSettings: used, passesSettings: passes)
    let pairs = environment.entries(for: item).map { entry in
      let text = String(decoding: entry, as: UTF8.self)
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts[1]))
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  @Test("Nothing is invented for an item without properties") func aBareItemHasNothingInvented() {
    #expect(
      variables(item()) == [
        "WORK_ITEM_ATTEMPT": "1", "WORK_ITEM_REDELIVERED": "false", "WORK_ITEM_QUEUE": "q", "WORK_ITEM_EXCHANGE": "x",
        "WORK_ITEM_ROUTING_KEY": "k",
      ])
  }

  @Test(
    "Attempts that were counted in another queue do not count", arguments: [("q", "4", true), ("other", "1", false)])
  func attemptsOfAnotherQueue(queue: ByteString, attempt: String, isMinimum: Bool) {
    let item = item([
      "x-amqp-job-queue": .string(queue), "x-amqp-job-attempts": .int64(3),
      "x-amqp-job-attempts-minimum": .boolean(true),
      "x-amqp-job-last-reason": .string("failed"),
    ])
    #expect(variables(item)["WORK_ITEM_ATTEMPT"] == attempt && item.isAttemptMinimum == isMinimum)
    #expect(item.lastAttempt.reason == (isMinimum ? .failed : .unknown))
  }

  @Test("Every property is handed on to the worker") func everyPropertyIsHandedOn() {
    let variables = variables(
      item {
        $0.messageID = "id"
        $0.contentType = "ct"
        $0.contentEncoding = "ce"
        $0.correlationID = "co"
        $0.replyTo = "rt"
        $0.timestamp = 12
        $0.type = "ty"
        $0.appID = "ap"
        $0.priority = 4
      })
    let expected = [
      "ID": "id", "CONTENT_TYPE": "ct", "CONTENT_ENCODING": "ce", "CORRELATION_ID": "co", "REPLY_TO": "rt",
      "TIMESTAMP": "12", "TYPE": "ty", "APP_ID": "ap", "PRIORITY": "4",
    ]
    for (name, value) in expected { #expect(variables["WORK_ITEM_\(name)"] == value) }
  }

  @Test(
    "Scalar headers are handed on to the worker",
    arguments: [
      (FieldValue.boolean(true), "true"), (.int8(-8), "-8"), (.uint8(8), "8"), (.int16(-16), "-16"),
      (.uint16(16), "16"),
      (.int32(-32), "-32"), (.uint32(32), "32"), (.int64(.min), "-9223372036854775808"),
      (.uint64(.max), "18446744073709551615"), (.float(0.5), "0.5"), (.double(-1.25), "-1.25"),
      (.decimal(scale: 2, value: 5), "0.05"), (.decimal(scale: 0, value: 7), "7"), (.string("a=b\nc"), "a=b\nc"),
      (.bytes([104, 105]), "hi"), (.timestamp(99), "99"),
    ])
  func scalarHeadersAreHandedOn(value: FieldValue, text: String) {
    #expect(variables(item(["a-Name 1": value]))["WORK_ITEM_HEADER_A_NAME_1"] == text)
  }

  @Test("Other headers are not handed on", arguments: [FieldValue.array([.int8(1)]), .table(["a": .int8(1)]), .void])
  func othersAreNot(value: FieldValue) {
    #expect(variables(item(["h": value])).keys.filter { $0.contains("HEADER") }.isEmpty)
  }

  @Test("A header that cannot be a variable is named") func whatCannotBeAVariableIsNamed() {
    let big = FieldValue.string(ByteString([UInt8](repeating: 65, count: 32 << 10 + 1)))
    let variables = variables(
      item([
        "big": big, "nul": .bytes([0]), "a-b": .string("1"), "a_b": .string("2"), "x,\ny": big, "fine": .string("3"),
        ",\u{301}": big,
      ]))
    #expect(variables["WORK_ITEM_HEADERS_OMITTED"] == "big,nul,a-b,a_b,x__y,_\u{301}")
    #expect(variables["WORK_ITEM_HEADER_A_B"] == nil)
    #expect(variables["WORK_ITEM_HEADER_FINE"] == "3")
  }

  @Test("The size of all headers together is limited") func allTogetherAreLimited() {
    var headers = FieldTable()
    for number in 0..<10 {
      headers.append(ByteString("h\(number)"), .string(ByteString([UInt8](repeating: 65, count: 32 << 10))))
    }
    let variables = variables(item(headers))
    #expect(variables["WORK_ITEM_HEADERS_OMITTED"] == "h7,h8,h9")
    #expect(variables.reduce(0) { $0 + $1.key.utf8.count + 1 + $1.value.utf8.count } <= 256 << 10 + 64)
  }

  @Test("The item's trace parent replaces the runner's") func theTraceParentReplacesOurs() {
    let variables = variables(item(["traceparent": .string("00-ab")]), inherited: ["TRACEPARENT=ours"])
    #expect(variables["TRACEPARENT"] == "00-ab")
    #expect(self.variables(item(), inherited: ["TRACEPARENT=ours"])["TRACEPARENT"] == "ours")
  }

  @Test("A trace context is that of the item as a whole, or the runner's own as a whole")
  func traceContext() {
    let own = ["TRACEPARENT=ours", "TRACESTATE=ours", "BAGGAGE=ours"]
    let whole = variables(
      item(["traceparent": .string("00-ab"), "tracestate": .string("a=1"), "baggage": .string("b=2")]), inherited: own)
    #expect([whole["TRACEPARENT"], whole["TRACESTATE"], whole["BAGGAGE"]] == ["00-ab", "a=1", "b=2"])
    let part = variables(item(["traceparent": .string("00-ab")]), inherited: own)
    #expect([part["TRACEPARENT"], part["TRACESTATE"], part["BAGGAGE"]] == ["00-ab", nil, nil])
    let none = variables(item(), inherited: own)
    #expect([none["TRACEPARENT"], none["TRACESTATE"], none["BAGGAGE"]] == ["ours", "ours", "ours"])
    let long = variables(item(["baggage": .string(ByteString([UInt8](repeating: 65, count: 8193)))]))
    #expect(long["BAGGAGE"] == nil && long["WORK_ITEM_HEADER_BAGGAGE"] != nil)
  }

  @Test("The runner's settings are withheld from the worker") func settingsAreWithheld() {
    let inherited = ["PATH=/bin", "AMQP_URL=u", "AMQP_JOB_GRACE=1s", "BROKER_URL=u", "QUEUE=q", "WORK_ITEM_ID=stale"]
    let withheld = variables(item(), inherited: inherited, used: ["AMQP_URL", "BROKER_URL"])
    #expect(withheld["PATH"] == "/bin" && withheld["QUEUE"] == "q")
    for name in ["AMQP_URL", "AMQP_JOB_GRACE", "BROKER_URL", "WORK_ITEM_ID"] { #expect(withheld[name] == nil) }
    let passed = variables(item(), inherited: inherited, used: ["AMQP_URL"], passes: true)
    #expect(passed["AMQP_URL"] == "u" && passed["WORK_ITEM_ID"] == nil)
  }

  @Test(
    "No header can break the count of attempts",
    arguments: ["x-delivery-count", "x-amqp-job-attempts"] as [ByteString], [Int64.min, -5, .max])
  func anybodysHeadersCannotBreakTheCount(header: ByteString, value: Int64) {
    #expect((1...Int(Int32.max) + 1).contains(item([header: .int64(value)]).attempt))
    #expect(
      (1...Int(Int32.max) * 2 + 1).contains(item(["x-delivery-count": .int64(value), header: .int64(value)]).attempt))
  }

  @Test("Attempts are read from the count that the queue keeps") func attemptsAreCountedWhereTheQueueDoes() {
    var counted = item(["x-delivery-count": .int64(3)])
    // The count of another queue, which the item brought along.
    #expect(counted.attempt == 1)
    counted.envelope.isRedelivered = true
    #expect(counted.attempt == 4)
    var uncounted = item()
    uncounted.envelope.isRedelivered = true
    #expect(uncounted.attempt == 2)
  }
}
