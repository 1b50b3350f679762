internal import AMQP
internal import Broker
internal import Console

/// Serving a queue that may be lost together with its items.
extension Runner {
  mutating func known(
    _ standing: QueueTopology, _ neighbours: QueueInspection.Neighbours, _ transience: [DeclarationInquiry.Transience]?
  ) -> [RunnerAction] {
    guard options.mayDeleteItself, transience != [] else { return known(standing, neighbours) }
    inspection.selfDeletion.transience = transience
    // A probe cancels the consumer, and the queue would be deleted with it.
    if inspection.selfDeletion.isKnown, options.endsWhenDrained {
      return breakOff(
        .wrongQueue,
        "cannot tell whether \(queueLabel) is drained: it deletes itself with its last consumer, and who looks must not be one; take "
          + "a number of items, or serve it for ever")
    }
    return (asksForDepth ? [] : warnOfTransience()) + known(standing, neighbours)
  }

  /// How the user accepts a queue that may be lost.
  func acceptance(_ transience: [DeclarationInquiry.Transience]) -> LogMessage {
    let isSeenDrained = !options.endsWhenDrained || !transience.contains(.autoDelete)
    return isSeenDrained ? "\(Advice.acceptingAnyQueue)" : "\(Advice.acceptingSelfDeletion)"
  }

  /// Warns once that the items may be lost.
  private mutating func warnOfTransience() -> [RunnerAction] {
    guard options.queueOrigin == .anyTold, !inspection.wasComplete else { return [] }
    let line =
      if let transience = inspection.selfDeletion.transience {
        "\(queueLabel) \(transience.predicate): its items are lost with it"
      } else {
        "the user may not look whether \(queueLabel) outlives the broker and its consumers: its items may be lost with it"
      }
    return [said(.warning, "\(line)\(naming: .anyQueue)")]
  }

  // MARK: A queue that deletes itself with its last consumer

  private var depthQuestion: Method { .queueDeclare(.init(name: ByteString(queue.name), isPassive: true)) }

  /// The items that this runner does not take may go with the queue, and the user may not know.
  private var asksForDepth: Bool {
    guard options.queueOrigin == .anyTold, case .count = options.extent else { return false }
    return inspection.selfDeletion.isKnown
  }

  /// Asks how many items there are, if that matters.
  mutating func askForDepth() -> [RunnerAction] {
    guard asksForDepth else { return [] }
    inspection.selfDeletion.isAwaitingDepth = true
    let questions = [Method.channelOpen, depthQuestion].map { ChannelMethod($0, on: sideChannel) }
    return [.send(inspection.opening(questions))]
  }

  mutating func depthAnswered(_ method: Method, on channel: UInt16) -> [RunnerAction] {
    guard channel == sideChannel else { return [] }
    switch method {
    case .queueDeclareOK(let status):
      inspection.selfDeletion.isAwaitingDepth = false
      let wanted = options.maxItems - tally.taken
      guard status.consumerCount == 0, status.messageCount > wanted else {
        return warnOfTransience() + askForPermission()
      }
      let (there, taken) = (Int(status.messageCount).counted("item"), wanted.counted("item"))
      let cure: Advice = "; take them all (\(.count)), or serve the queue until a signal (\(.forever))"
      return breakOff(
        .wrongQueue,
        "\(queueLabel) has \(there), and deletes itself with its last consumer: after \(taken) the rest would be lost with it\(cure)"
      )
    case .channelClose(let reason):
      inspection.selfDeletion.isAwaitingDepth = false
      return queueRefused(reason)
    default: return []
    }
  }

  /// Cancels the slot's consumer. A queue that may go with it is asked first what is in it.
  mutating func detach(_ index: Int, givingBack count: Int = 0) -> [Method] {
    let cancel = slots[index].detach()
    guard !cancel.isEmpty, inspection.selfDeletion.isKnown else { return cancel }
    inspection.selfDeletion.asked(in: index, givingBack: count)
    return [depthQuestion] + cancel
  }

  /// Returns nil for an answer to another question.
  mutating func detachAnswered(_ status: Method.QueueStatus, in index: Int) -> [RunnerAction]? {
    guard
      let lost = inspection.selfDeletion.answered(
        in: index, ready: status.messageCount, consumers: status.consumerCount)
    else { return nil }
    guard lost > 0 else { return [] }
    stop.itemsLost()
    return [
      said(
        .error,
        "\(queueLabel) has deleted itself with its last consumer, which was this runner: \(lost.counted("item")) went with it"
          + "\(naming: .anyQueue)")
    ]
  }
}
