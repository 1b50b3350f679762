import AMQP
import Testing

@testable import JobRunner

/// Items with thousands of headers. The time that they take grows in proportion to their number.
@Suite struct ManyHeadersTests {
  private func item(_ count: Int) -> WorkItem {
    var properties = BasicProperties()
    properties.headers = FieldTable((0..<count).map { .init(name: ByteString("h\($0)"), value: .int64(1)) })
    let envelope = Envelope(consumerTag: "t", deliveryTag: 1, isRedelivered: true, exchange: "", routingKey: "q")
    return WorkItem(envelope: envelope, properties: properties, queue: "q")
  }

  /// The shortest of several measurements, because other processes use the processor, too.
  private func time(_ count: Int) -> Duration {
    let item = item(count)
    let environment = WorkerEnvironment([], usedSettings: [], passesSettings: false)
    let durations = (0..<4).map { _ in
      ContinuousClock().measure {
        _ = environment.entries(for: item)
        _ = item.properties(for: Move(destination: .queue, attempts: item.attempt), host: "h", time: 1)
      }
    }
    return durations.min() ?? .zero
  }

  @Test("The time for headers grows in proportion to their number") func sixteenTimesAsManyTakeNoSquareOfThat() {
    let (few, many) = (time(1_000), time(16_000))
    #expect(many < few * 80, "\(few) and \(many)")
  }

  @Test("Headers that find no room are named as far as there is room for their names")
  func thoseThatFindNoRoomAreNamedAsFarAsThatGoes() {
    let entries = WorkerEnvironment([], usedSettings: [], passesSettings: false).entries(for: item(40_000))
    let omitted = entries.filter { $0.starts(with: Array("WORK_ITEM_HEADERS_OMITTED=".utf8)) }
    #expect(omitted.count == 1)
    #expect(omitted[0].count <= WorkerEnvironment.maxValueSize + 26)
    #expect(entries.reduce(0) { $0 + $1.count } <= WorkerEnvironment.maxTotalSize + WorkerEnvironment.maxValueSize + 26)
  }
}
