internal import AMQP
internal import Broker
internal import Console

/// Taking away the marks of the items that have been in the retry queue. An item has one from its first way there until it leaves
/// the queue for good, in whosever hand it is.
extension Runner {
  /// On a channel of its own: where the user may not do it, no item is lost.
  private var markChannel: UInt16 { UInt16(slots.count + 2) }

  /// What takes the item's mark away, as it leaves the queue for good. It goes out with the settlement: so both are with the
  /// broker, or neither.
  mutating func unmark(_ item: WorkItem, _ disposal: Disposal) -> [ChannelMethod] {
    switch disposal {
    case .acked, .givenBackAsCopy, .deadLettered, .rejected: policy.hasRetries && item.isMarked ? takeMarks(1) : []
    case .givenBack, .givenBackByBroker, .retried: []
    }
  }

  private mutating func takeMarks(_ count: UInt32) -> [ChannelMethod] {
    let get = Method.basicGet(queue: ByteString(queue.marksName), noAck: true)
    let methods = [.channelOpen] + [Method](repeating: get, count: Int(count))
    return inspection.opening(methods.map { ChannelMethod($0, on: markChannel) })
  }

  /// nil for what came on another channel.
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

  /// How long an item may be on its way back while nothing is in its way. RabbitMQ tries again after 3 minutes what a queue
  /// refused, or did not answer.
  static let longestReturn: Duration = .seconds(300)

  /// Marks are left of which no item comes: it left the queues otherwise (a purge, say, or another program took it).
  mutating func forgetMarks() -> [RunnerAction] {
    guard drain.showsNobody, let since = drain.returningSince, now >= since + Self.longestReturn else { return [] }
    let warning = said(
      .warning,
      "\(drain.markCount.counted("item")) of \(place) did not come back for another attempt in \(Self.longestReturn.text), with "
        + "nothing in the way, and will not be waited for any longer")
    return [warning, .send(takeMarks(min(drain.markCount, Self.mostMarks)))]
  }

  /// How many are taken away at a time.
  private static let mostMarks: UInt32 = 10_000
}
