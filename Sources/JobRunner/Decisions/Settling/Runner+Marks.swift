internal import AMQP
internal import Broker
internal import Console

/// Removing the marks of items that have been in the retry queue. An item has a mark from the first time that it goes there until
/// it leaves the queue for good.
extension Runner {
  /// Marks have a channel of their own. A refusal, which closes it, leaves the items alone.
  private var markChannel: UInt16 { UInt16(slots.count + 2) }

  /// Removes the item's mark when the item leaves the queue for good. The methods are sent together with the settlement, so that
  /// the broker gets both or neither.
  mutating func unmark(_ item: WorkItem, _ settlement: Settlement) -> [ChannelMethod] {
    switch settlement {
    case .acked, .requeuedAsCopy, .deadLettered, .rejected, .dropped:
      policy.hasRetries && item.isMarked ? takeMarks(1) : []
    case .requeued, .requeuedByBroker, .retried, .unsettled: []
    }
  }

  private mutating func takeMarks(_ count: UInt32) -> [ChannelMethod] {
    let get = Method.basicGet(queue: ByteString(queue.marksName), noAck: true)
    let methods = [.channelOpen] + [Method](repeating: get, count: Int(count))
    return inspection.opening(methods.map { ChannelMethod($0, on: markChannel) })
  }

  /// Returns nil for a method on another channel.
  mutating func marksAnswered(_ method: Method, on channel: UInt16) -> [RunnerAction]? {
    guard channel == markChannel, options.ownQueue == nil else { return nil }
    guard case .channelClose(let reason) = method else { return [] }
    inspection.channelClosed(channel)
    guard reason.refusal == .notPermitted else {
      return [said(.warning, "cannot take marks from queue '\(queue.marksName)': \(reason.text)")]
    }
    return breakOff(
      .notPermitted,
      "no permission to take marks from queue '\(queue.marksName)': \(reason.text); grant the user the read permission on it"
    )
  }

  /// How long an item may be on its way back from the retry queue while nothing holds it up. RabbitMQ tries again after 3 minutes
  /// if a queue refused the item or did not answer.
  static let maxReturnTime: Duration = .seconds(300)

  /// Removes marks whose items do not come. Such an item has left the queues in another way: by a purge, say. It does not
  /// wait in a retry queue that was made meanwhile, so these are looked for again.
  mutating func forgetMarks() -> [RunnerAction] {
    guard drain.showsNobody, let since = drain.returningSince, now >= since + Self.maxReturnTime else { return [] }
    let levels = inspection.retryLevels
    if levels.isEndHidden { return breakOffUnseen(level: levels.count + 1) }
    guard let known = levels.knownSince, known >= since + Self.maxReturnTime else {
      inspection.retryLevels.forget()
      return []
    }
    let warning = said(
      .warning,
      "\(drain.markCount.counted("item")) of \(queueLabel) did not come back for another attempt in \(Self.maxReturnTime.text), "
        + "although nothing held them up: they are not waited for any longer")
    return [warning, .send(takeMarks(min(drain.markCount, Self.maxMarks)))]
  }

  /// How many marks are removed at a time.
  private static let maxMarks: UInt32 = 10_000
}
