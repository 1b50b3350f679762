internal import AMQP
internal import Broker
internal import Console

/// Refusing a queue that `amqp-job declare` made beside another one, for the use of runners.
extension Runner {
  /// Asks about the queue to which this one belongs, if its name is that of such a queue.
  mutating func searchOwner() -> [RunnerAction] {
    guard options.assumed == nil, let owner = queue.owner,
      let search = NeighbourSearch(besideDeclared: owner, on: sideChannel)
    else { return [] }
    return [.send(inspection.askForOwner(search))]
  }

  mutating func ownerSearched(_ method: Method, on channel: UInt16) -> [RunnerAction] {
    guard let finding = inspection.takeOwner(method, on: channel) else { return [] }
    switch finding {
    case .absent, .hidden: return ownerExcluded()
    case .refused(let reason): return queueRefused(reason)
    case .found:
      let unserved = UnservedQueue(queue, madeFor: queue.owner ?? queue, place: queueLabel)
      return breakOff(unserved.status, unserved.line)
    }
  }
}
