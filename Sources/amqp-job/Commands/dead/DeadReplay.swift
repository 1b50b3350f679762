import AMQP
import Broker
import Console
import Linux
import Publishing

/// `amqp-job dead replay`: moves dead letters back into the queue.
struct DeadReplay {
  private let dead: Dead
  private let selection: DeadSelection
  private let limit: Int

  init(_ dead: Dead, _ filter: DeadLetterFilter, limit: Int) {
    self.dead = dead
    selection = DeadSelection(filter)
    self.limit = limit
  }

  /// - Throws: `Failure`
  func run() throws {
    let source = try dead.conversation.connect(largestBodyInMemory: Spooling.largestInMemory)
    let depth = try depth(source)
    let method = try readingMethod(source)
    let target = try dead.conversation.connect()
    let progress = DeadProgress(dead.queue.deadName, total: depth, dead.reporter)
    let replay = Replay(
      dead.queue, from: source, by: method, through: target, spoolingIn: dead.spoolDirectory,
      onFlow: { [reporter = dead.reporter, broker = target.broker] reason in
        progress.clear()
        let state = reason.map { "takes nothing for now (\($0)): waiting" } ?? "takes items again"
        reporter.report(LogEntry(.notice, "the broker at \(broker) \(state)"))
      }, onTurn: progress.turn)
    defer { progress.clear() }
    do {
      try replay.run(
        depth: depth, limit: limit, wantsMore: { [selection] in !selection.isPast }, select: selection.contains)
    } catch {
      progress.clear()
      var failure = failure(error, of: target)
      failure.message += "; \(moved(replay))"
      throw failure
    }
    progress.clear()
    target.close()
    source.close()
    let place = dead.place(source)
    if replay.movedCount < limit, let failure = selection.failure(in: place, moved(replay)) { throw failure }
    dead.reporter.report(
      LogEntry(
        .notice, "\(moved(replay)) from \(place)\(unawaited(replay))", ["items": .integer(replay.movedCount)]))
  }

  /// Reports what `run` would do.
  /// - Throws: `Failure`
  func pretend() throws {
    let session = try dead.conversation.connect(largestBodyInMemory: 0)
    var count = try depth(session)
    if !selection.filter.isEmpty {
      let (depth, method) = (count, try dead.readingMethod(session))
      count = 0
      try dead.scan(session, depth: depth, by: method, wantsMore: { count < limit && !selection.isPast }) { delivery in
        if count < limit, selection.contains(delivery) { count += 1 }
        return .keep
      }
    }
    try checkTarget(session)
    session.close()
    let (place, moved) = (dead.place(session), "\(count.counted("item")) would be moved to queue '\(dead.queue.name)'")
    if count < limit, let failure = selection.failure(in: place, moved) { throw failure }
    dead.reporter.report(LogEntry(.notice, "\(moved) from \(place)", ["items": .integer(count)]))
  }

  /// How many items have to be read.
  private func depth(_ session: BrokerSession) throws -> Int {
    let depth = try dead.depth(session)
    return selection.filter.isEmpty ? min(depth, limit) : depth
  }

  /// How the dead letters are to be read.
  private func readingMethod(_ source: BrokerSession) throws -> QueueReader.Mode {
    guard selection.filter.isEmpty else { return try dead.readingMethod(source) }
    let standing = try dead.standing(source)
    // After an error the unsettled items go back, and their return may count against a limit. So there is only one of them.
    return standing.returns == .unlimited ? standing.mode : .gets(atOnce: 1)
  }

  /// Makes sure that the queue exists. A user without the permission to ask may still be allowed to publish to it.
  /// - Throws: `Failure`
  private func checkTarget(_ session: BrokerSession) throws {
    let channel = Dead.channel + 2
    do {
      try session.openChannel(channel)
      _ = try session.queueStatus(dead.queue.name, on: channel)
    } catch .refused(let reason) where reason.code == .accessRefused {
    } catch {
      throw Failure(error, queue: dead.queue.name, broker: session.broker)
    }
  }

  private func unawaited(_ replay: Replay) -> String {
    let count = replay.unawaitedCount
    return count == 0
      ? "" : "; \(count) of them without a reply_to: nobody waits for their results, since its queue is gone"
  }

  private func moved(_ replay: Replay) -> String {
    let unknown = replay.unknownCount
    return "\(replay.movedCount.counted("item")) moved to queue '\(dead.queue.name)'"
      + (unknown == 0 ? "" : ", and \(unknown == 1 ? "one" : "\(unknown)") more may be in both queues")
  }

  private func failure(_ error: PublishError, of target: BrokerSession) -> Failure {
    let place = "queue '\(dead.queue.name)' at \(target.broker)"
    return switch error {
    case .refused(.unroutable): Failure(.noQueue, "\(place) is not there any more")
    case .refused(.rejected):
      Failure(.temporaryFailure, "\(place) takes no more: the broker rejected an item, as it does when a queue is full")
    case .body(let error):
      Failure(
        .inputOutputError, "an item for \(place) cannot be stored in \(dead.spoolDirectory) (TMPDIR): \(error.reason)")
    case .session(.refused(let reason)) where reason.says("queue '\(dead.queue.deadName)'"):
      Failure(.refused(reason), queue: dead.queue.deadName, broker: target.broker)
    case .session(let error): Failure(error, queue: dead.queue.name, broker: target.broker)
    case .refused(.reserved(let purpose)): Failure(.wrongQueue, "\(place) \(purpose)")
    case .refused(.closed(let reason)): Failure(.refused(reason), queue: dead.queue.name, broker: target.broker)
    }
  }
}
