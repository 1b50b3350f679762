import AMQP
import Broker
import Linux
import Telemetry
import Testing

@testable import JobRunner

@Suite struct ItemTracerTests {
  private static let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  private static let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
  private let tracer = ItemTracer(.parentBasedAlwaysOn, brokers: [BrokerURL(host: "broker")])

  private func item(
    _ headers: FieldTable? = nil, exchange: ByteString = "", routingKey: ByteString = "q", id: ByteString? = nil
  ) -> WorkItem {
    var properties = BasicProperties()
    (properties.headers, properties.messageID) = (headers, id)
    let envelope = Envelope(
      consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: exchange, routingKey: routingKey)
    var item = WorkItem(envelope: envelope, properties: properties, queue: "q")
    item.bodySize = 5
    return item
  }

  private func record(
    _ item: WorkItem, _ status: ProcessStatus? = .exited(0), _ settlement: String = "acked", errorType: String? = nil,
    step: String? = nil, isSettled: Bool = true
  ) -> JobRecord {
    JobRecord(
      item: item, startedAt: .now, duration: .milliseconds(1500), resultSize: 0, status: status, step: step,
      settlement: settlement, isSettled: isSettled, errorType: errorType)
  }

  private func attributes(_ span: Span?) -> [String: Span.Value] {
    Dictionary((span?.attributes ?? []).map { ($0.name, $0.value) }) { one, _ in one }
  }

  @Test("A span has the names of OpenTelemetry's conventions") func conventions() throws {
    let span = try #require(tracer.span(of: record(item(id: "m-1")), start: 1_000_000_000))
    #expect(span.name == "process q" && span.start == 1_000_000_000 && span.end == 2_500_000_000)
    #expect(span.parentID == nil && span.traceState == nil && span.failure == nil)
    #expect(
      attributes(span) == [
        "messaging.system": .text("rabbitmq"), "messaging.operation.name": .text("process"),
        "messaging.operation.type": .text("process"), "messaging.destination.name": .text("q"),
        "messaging.rabbitmq.destination.routing_key": .text("q"), "messaging.message.id": .text("m-1"),
        "messaging.message.body.size": .integer(5), "server.address": .text("broker"), "server.port": .integer(5672),
        "amqp_job.queue": .text("q"), "amqp_job.attempt": .integer(1), "amqp_job.settlement": .text("acked"),
        "process.exit.code": .integer(0),
      ])
  }

  @Test(
    "The destination is the way to the queue, without what says nothing",
    arguments: [
      ("", "q", "q"), ("x", "k", "x:k:q"), ("x", "q", "x:q"), ("x", "", "x:q"), ("", "k", "k:q"),
    ] as [(ByteString, ByteString, String)])
  func destinations(exchange: ByteString, routingKey: ByteString, name: String) {
    let span = tracer.span(of: record(item(exchange: exchange, routingKey: routingKey)), start: 0)
    #expect(attributes(span)["messaging.destination.name"] == .text(name))
  }

  @Test("Several brokers are not told apart") func severalBrokers() {
    let tracer = ItemTracer(.parentBasedAlwaysOn, brokers: [BrokerURL(host: "a"), BrokerURL(host: "b")])
    #expect(attributes(tracer.span(of: record(item()), start: 0))["server.address"] == nil)
  }

  @Test("The span is a child of the one that the item names, and tracestate is handed on") func parent() throws {
    let headers: FieldTable = ["traceparent": .string(ByteString(Self.sampled)), "tracestate": .string("a=1")]
    let span = try #require(tracer.span(of: record(item(headers)), start: 0))
    #expect(span.context.traceID.text == "0af7651916cd43dd8448eb211c80319c")
    #expect(span.parentID == 0xB7AD_6B71_6920_3331 && span.traceState == "a=1")
    let invalid: FieldTable = ["traceparent": .string("00-ab"), "tracestate": .string("a=1")]
    let root = try #require(tracer.span(of: record(item(invalid)), start: 0))
    #expect(root.parentID == nil && root.traceState == nil)
  }

  @Test("The item of a trace that nobody records has no span") func unsampled() {
    let item = item(["traceparent": .string(ByteString(Self.unsampled))])
    #expect(tracer.begin(item) == nil && tracer.span(of: record(item), start: 0) == nil)
  }

  @Test("A trace that the sampler leaves out is told to the worker, and not to the collector") func leftOut() throws {
    let never = ItemTracer(try #require(Sampler(name: "always_off", argument: nil)), brokers: [])
    var item = item()
    item.span = never.begin(item)
    #expect(item.span?.isSampled == false && never.span(of: record(item), start: 0) == nil)
  }

  @Test("The span is the one that the worker was told of") func sameSpan() {
    var item = item()
    item.span = tracer.begin(item)
    #expect(item.span != nil && tracer.span(of: record(item), start: 0)?.context == item.span)
  }

  @Test(
    "A failure has a type of few words, and a message",
    arguments: [
      (.exited(3), "failed", true, "failed", "the worker exited with 3"),
      (.killed(.kill), "killed", true, "killed", "the worker was killed by KILL"),
      (nil, "too_large", true, "too_large", "too_large"),
      (.exited(0), "result_refused", true, "result_refused", "result_refused"),
      (.exited(0), nil, false, "not_settled", "it may be run again"),
    ] as [(ProcessStatus?, String?, Bool, String, String)])
  func failures(status: ProcessStatus?, errorType: String?, isSettled: Bool, type: String, message: String) {
    let span = tracer.span(of: record(item(), status, errorType: errorType, isSettled: isSettled), start: 0)
    #expect(span?.failure == Span.Failure(type: type, message: message))
  }

  // MARK: The worker's view

  private func environment(_ item: WorkItem) -> [String] {
    let environment = WorkerEnvironment([Array("TRACESTATE=own".utf8)], usedSettings: [], passesSettings: false)
    return environment.entries(for: item).map { String(decoding: $0, as: UTF8.self) }.filter {
      $0.hasPrefix("TRACE") || $0.hasPrefix("WORK_ITEM_HEADER_TRACE") || $0.hasPrefix("BAGGAGE")
    }
  }

  @Test("A worker gets the span as its parent, and the headers of the item as they are") func worker() throws {
    var child = item(["traceparent": .string(ByteString(Self.sampled)), "tracestate": .string("a=1")])
    child.span = tracer.begin(child)
    let text = try #require(child.span).traceParent
    #expect(
      Set(environment(child)) == [
        "TRACEPARENT=\(text)", "TRACESTATE=a=1", "WORK_ITEM_HEADER_TRACEPARENT=\(Self.sampled)",
        "WORK_ITEM_HEADER_TRACESTATE=a=1",
      ])
    #expect(child.variables.contains(Array("TRACEPARENT=\(text)".utf8)))
  }

  @Test("With a new trace a worker gets no state of another one") func newTrace() throws {
    var root = item(["traceparent": .string("x"), "tracestate": .string("a=1"), "baggage": .string("b=2")])
    root.span = tracer.begin(root)
    let text = try #require(root.span).traceParent
    #expect(Set(environment(root).filter { !$0.hasPrefix("WORK_ITEM") }) == ["TRACEPARENT=\(text)", "BAGGAGE=b=2"])
  }

  // MARK: The runner

  /// When the worker ends, compared with its connection and its item.
  enum End: CaseIterable {
    case atOnce, beforeReturn, afterReturn
  }

  @Test("An attempt keeps its span, also if its item is lost and comes back", arguments: End.allCases)
  func keptSpan(end: End) throws {
    let span = try #require(tracer.begin(item()))
    var driver = RunnerDriver {
      $0.report.recordsJobs = true
      $0.worker.onDisconnect = .finish
      ($0.parallelism, $0.extent) = (2, .count(2))
    }
    var properties = BasicProperties()
    properties.messageID = "id"
    driver.consume()
    driver.deliver(properties, digest: 7)
    var actions = driver.handle(.spanBegun(span, slot: 0))
    if end != .atOnce {
      driver.handle(RunnerDriver.lost())
      driver.reconnect()
      driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"), on: 2)
    }
    if end == .afterReturn { actions += driver.deliver(properties, isRedelivered: true, digest: 7, slot: 1) }
    actions += driver.handle(.workerEnded(.exited(0)))
    if end == .beforeReturn { actions += driver.deliver(properties, isRedelivered: true, digest: 7, slot: 1) }
    actions += [1, 2].flatMap { driver.method(.channelCloseOK, on: $0) }
    let records = actions.compactMap { if case .record(let record) = $0 { record } else { nil } }
    #expect(records.map(\.item.span) == [span] && records.map(\.settlement) == ["acked"])
  }
}
