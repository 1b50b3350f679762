internal import AMQP
internal import Broker
internal import Console

/// Serving a queue that may be lost together with its items.
extension Runner {
  mutating func known(
    _ standing: QueueTopology, _ neighbours: QueueInspection.Neighbours, _ transience: [DeclarationInquiry.Transience]?
  ) -> [RunnerAction] {
    guard options.queueOrigin == .anyTold, transience != [] else { return known(standing, neighbours) }
    // A probe cancels the consumer, and the queue would be deleted with it.
    if transience?.contains(.autoDelete) == true, options.endsWhenDrained {
      return breakOff(
        .wrongQueue,
        "cannot tell whether \(queueLabel) is drained: it deletes itself with its last consumer, and who looks must not be one; take "
          + "a number of items, or serve it for ever")
    }
    return warnOfTransience(transience) + known(standing, neighbours)
  }

  /// Warns once that the items may be lost.
  private mutating func warnOfTransience(_ transience: [DeclarationInquiry.Transience]?) -> [RunnerAction] {
    guard !inspection.wasComplete else { return [] }
    let line =
      if let transience {
        "\(queueLabel) \(transience.map(\.description).joined(separator: ", and ")): its items are lost with it"
      } else {
        "the user may not look whether \(queueLabel) outlives the broker and its consumers: its items may be lost with it"
      }
    return [said(.warning, "\(line)\(naming: .anyQueue)")]
  }
}
