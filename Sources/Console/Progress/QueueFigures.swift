/// How many items are in a queue and in its retry and dead-letter queues.
package struct QueueFigures: Hashable, Sendable {
  package var name: String
  /// Items that are ready for a consumer. Items that a consumer holds are not among them.
  package var ready: Int
  package var consumers: Int
  /// Items in the retry queue. nil where there is no retry queue.
  package var retry: Int?
  /// Items in the dead-letter queue. nil where there is no dead-letter queue.
  package var dead: Int?

  package init(name: String, ready: Int, consumers: Int, retry: Int? = nil, dead: Int? = nil) {
    self.name = name
    self.ready = ready
    self.consumers = consumers
    self.retry = retry
    self.dead = dead
  }

  /// The number of items still to be done, as far as the broker shows it.
  package var left: Int { ready + (retry ?? 0) }

  package var json: JSON { .object(members) }

  /// The same as `json`, with the progress of the work, and how fast it goes.
  package func json(_ progress: Progress, _ rates: QueueRates?) -> JSON {
    .object(
      members + [
        .init("done", .integer(Int64(progress.done))), .init("dead_lettered", .integer(Int64(progress.deadLettered))),
        .init("total", .integer(Int64(progress.total))),
        .init("rate", progress.rate.map { .number(($0 * 1000).rounded() / 1000) } ?? .null),
        .init("seconds_left", progress.timeLeft.map { .integer(Int64($0 / .seconds(1))) } ?? .null),
      ] + QueueRates.members(rates))
  }

  /// The same as `json`, with how fast the queue is filled and worked off.
  package func json(_ rates: QueueRates?) -> JSON { .object(members + QueueRates.members(rates)) }

  private var members: [JSON.Member] {
    [
      .init("queue", .text(name)), .init("ready", .integer(Int64(ready))),
      .init("consumers", .integer(Int64(consumers))),
      .init("retry", retry.map { .integer(Int64($0)) } ?? .null),
      .init("dead", dead.map { .integer(Int64($0)) } ?? .null),
    ]
  }

  /// The figures of several queues as a table.
  package static func table(_ queues: [QueueFigures]) -> String {
    var table = TextTable(.text("QUEUE"), .number("READY"), .number("RETRY"), .number("DEAD"), .number("CONSUMERS"))
    for queue in queues {
      table.add(
        queue.name, "\(queue.ready)", queue.retry.map { "\($0)" }, queue.dead.map { "\($0)" }, "\(queue.consumers)")
    }
    return table.text
  }
}
