internal import AMQP
internal import Broker
internal import Console

/// A queue of the runner's own. It is declared together with the login, in the place of an inspection.
extension Runner {
  private var setUpChannel: UInt16 { UInt16(slots.count + 1) }

  func declare(_ own: OwnQueue) -> [ChannelMethod] {
    [.channelOpen, own.declaration(name: options.queue)].map { ChannelMethod($0, on: setUpChannel) }
  }

  /// The broker has answered the declaration or a binding.
  mutating func setUp(
    _ own: OwnQueue, _ answer: Method, on channel: UInt16
  ) -> [RunnerAction] {
    guard channel == setUpChannel, !inspection.isComplete else { return [] }
    switch answer {
    case .queueDeclareOK(let status):
      inspection.named(WorkQueue(status.name.description))
      guard ByteString(queue.name) == status.name else {
        return breakOff(.temporaryFailure, "the broker at \(broker) gave a queue a name that is not text in UTF-8")
      }
      // With an empty queue name, an empty routing key would mean something else. So the bindings wait for the real name.
      let bindings = own.bindings(name: queue.name)
      inspection.bindingsSent(bindings.count)
      let naming = options.queue.isEmpty ? [RunnerAction.queueNamed(queue.name)] : []
      guard !bindings.isEmpty else { return naming + serveOwnQueue() }
      return naming + [.send(bindings.map { ChannelMethod($0, on: setUpChannel) })]
    case .queueBindOK:
      return inspection.bindingConfirmed() ? serveOwnQueue() : []
    case .channelClose(let reason): return ownQueueRefused(reason)
    default: return []
    }
  }

  private mutating func serveOwnQueue() -> [RunnerAction] {
    inspection.complete()
    guard options.maxItems == 0 else { return serve() }
    // The queue is deleted with its last consumer, so it must have had one.
    let methods = slots[0].on(attach(0)) + withdraw(0)
    return [.send(methods), .set(.settlementLimit(slot: 0), after: Self.withdrawalLimit)]
  }

  private mutating func ownQueueRefused(_ reason: CloseReason) -> [RunnerAction] {
    let status = ExplainedRefusal(reason, queue: queue.name, place: queueLabel).status
    return breakOff(status, "cannot declare and bind \(queueLabel): \(reason.text)")
  }

  mutating func ownQueueLost(_ failure: BrokerFailure) -> [RunnerAction] {
    breakOff(.temporaryFailure, "\(failure); queue '\(queue.name)' and its items went with it")
  }
}
