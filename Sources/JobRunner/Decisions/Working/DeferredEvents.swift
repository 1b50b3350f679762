/// Events that have come before the runner can decide about them.
struct DeferredEvents: Hashable, Sendable {
  private struct Delivery: Hashable, Sendable {
    let slot: Int
    let event: RunnerEvent
  }

  /// Workers' ends that can be judged only when the broker has said what is beside the queue.
  private var workerEnds: [RunnerEvent] = []
  /// Items that came in a pause.
  private var deliveries: [Delivery] = []

  var hasWorkerEnds: Bool { !workerEnds.isEmpty }

  mutating func deferEnd(_ event: RunnerEvent) { workerEnds.append(event) }

  mutating func deferDelivery(_ event: RunnerEvent, in slot: Int) {
    deliveries.append(Delivery(slot: slot, event: event))
  }

  mutating func takeWorkerEnds() -> [RunnerEvent] {
    defer { workerEnds = [] }
    return workerEnds
  }

  mutating func takeDeliveries() -> [RunnerEvent] {
    defer { deliveries = [] }
    return deliveries.map(\.event)
  }

  /// The channels of these slots are gone, and with them what came over them. Returns the slots whose items are dropped.
  mutating func dropDeliveries(in slots: [Int]) -> [Int] {
    defer { deliveries.removeAll { slots.contains($0.slot) } }
    return deliveries.map(\.slot).filter(slots.contains)
  }
}
