import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

/// The slot's table of states and events, against the diagram in the documentation.
@Suite struct SlotTableTests {
  private static let item = WorkItem(
    envelope: Envelope(consumerTag: "amqp-job-1", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q"),
    properties: BasicProperties(), queue: "q")
  private static let job = Job(item: item, startedAt: .now)
  private static let moving = MovingItem(item: item, move: Move(destination: .queue, attempts: 0), ended: nil)
  private static let word = LastItem(
    ended: EndedJob(item: item, outcome: .done, what: "done", status: .exited(0), startedAt: .now, duration: .zero),
    settlement: .acked)

  private static let states: [Slot.State] = [
    .noChannel, .idle, .consuming, .cancelling, .collected(item, at: .now), .working(job), .orphaned(job),
    .holding(item, for: 1),
    .abandoning(job, as: .acked),
    .copying(moving), .confirming(word), .closing, .closed,
  ]

  /// Every event, under the label that the diagram has for it.
  private static let events: [(label: String, event: Slot.Event)] = [
    ("opened", .opened), ("consume", .consume), ("cancel", .cancel), ("cancelled", .cancelled),
    ("collect", .collect(item, at: .now)), ("start", .start(job)),
    ("hold", .hold(item, for: 1)), ("copy", .copy(moving)), ("settle", .settle),
    ("close, with an ack to confirm", .close(word)), ("close", .close(nil)), ("orphan", .orphan(job)),
    ("abandon", .abandon(as: .acked)), ("workerEnded", .workerEnded(isStopping: false)),
    ("workerEnded, when stopping", .workerEnded(isStopping: true)),
    ("consumerLost", .consumerLost(isStopping: false)),
    ("consumerLost, when stopping", .consumerLost(isStopping: true)),
    ("channelLost", .channelLost(isStopping: false)), ("channelLost, when stopping", .channelLost(isStopping: true)),
    ("connectionLost", .connectionLost), ("closeAnswered", .closeAnswered), ("settlementLimit", .settlementLimit),
    ("ackLost", .ackLost), ("stop", .stop),
  ]

  /// The lines of the diagram, `from --> to: event`.
  private static func diagram() throws -> Set<String> {
    let page = "\(#filePath.split(separator: "Tests/JobRunnerTests")[0])Sources/amqp-job/Documentation.docc/Slot.md"
    let lines = String(decoding: try SmallFile.read(page), as: UTF8.self).split(separator: "\n")
    return Set(lines.map { String($0.drop { $0 == " " }) }.filter { $0.contains(" --> ") && !$0.hasPrefix("[*]") })
  }

  @Test("The diagram shows each transition of the code, and no other")
  func theDiagramIsTheTable() throws {
    #expect(Set(Self.states.map(\.name)) == Set(Slot.StateName.allCases))
    var transitions: Set<String> = []
    for state in Self.states {
      for (label, event) in Self.events {
        if let next = state.after(event) { transitions.insert("\(state.name) --> \(next.name): \(label)") }
      }
    }
    let diagram = try Self.diagram()
    #expect(transitions.subtracting(diagram).sorted() == [], "the diagram lacks these")
    #expect(diagram.subtracting(transitions).sorted() == [], "the code lacks these")
  }

  @Test("A slot takes the transitions of the table, and an event that the table does not have changes nothing")
  func aSlotFollowsTheTable() {
    var slot = Slot(channel: 1)
    slot.handle(.settle)
    #expect(slot.state == .noChannel)
    for (event, state) in [
      (.opened, .idle), (.consume, .consuming), (.start(Self.job), .working(Self.job)), (.opened, .working(Self.job)),
      (.settle, .idle), (.close(Self.word), .confirming(Self.word)), (.closeAnswered, .closed), (.consume, .closed),
    ] as [(Slot.Event, Slot.State)] {
      slot.handle(event)
      #expect(slot.state == state)
    }
  }
}
