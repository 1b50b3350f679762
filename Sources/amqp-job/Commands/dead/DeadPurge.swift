import Broker
import Console

/// `amqp-job dead purge`: drops dead letters.
struct DeadPurge {
  private let dead: Dead
  private let selection: DeadSelection
  private let isDry: Bool

  init(_ dead: Dead, _ filter: DeadLetterFilter, isDry: Bool) {
    self.dead = dead
    selection = DeadSelection(filter)
    self.isDry = isDry
  }

  /// - Throws: `Failure`
  func run() throws {
    let session = try dead.conversation.connect(largestBodyInMemory: 0)
    let depth = try dead.depth(session)
    let count = try selection.filter.isEmpty ? purgeAll(session, depth) : purgeSome(session, depth)
    session.close()
    let place = dead.place(session)
    let dropped = "\(count.counted("item")) \(isDry ? "would be dropped" : "dropped")"
    if let failure = selection.failure(in: place, dropped) { throw failure }
    dead.reporter.report(LogEntry(.notice, "\(dropped) from \(place)", ["items": .integer(count)]))
  }

  private func purgeAll(_ session: BrokerSession, _ depth: Int) throws -> Int {
    if isDry { return depth }
    return try session.explainingErrors(about: dead.queue.deadName) { () throws(SessionError) in
      Int(try session.purge(dead.queue.deadName, on: Dead.channel))
    }
  }

  private func purgeSome(_ session: BrokerSession, _ depth: Int) throws -> Int {
    let method = try dead.readingMethod(session)
    var count = 0
    try dead.scan(session, depth: depth, by: method, wantsMore: { !selection.isPast }) { delivery in
      guard selection.contains(delivery) else { return .keep }
      count += 1
      return isDry ? .keep : .drop
    }
    return count
  }
}
