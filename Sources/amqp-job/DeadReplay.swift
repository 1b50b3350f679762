import AMQP
import Broker
import JobRunner
import Linux

/// `amqp-job dead replay`: moves dead letters back into the queue.
struct DeadReplay {
  private let dead: Dead
  private let limit: Int
  private let ids: Set<String>

  init(_ dead: Dead, limit: Int, ids: Set<String>) {
    self.dead = dead
    self.limit = limit
    self.ids = ids
  }

  /// - Throws: `Failure`
  func run() throws {
    let source = try dead.connect(largestBodyInMemory: Spooling.largestInMemory)
    let depth = try dead.depth(source)
    let way = try way(source)
    let target = try dead.connect()
    let replay = Replay(dead.queue, from: source, by: way, through: target, spoolingIn: dead.spoolDirectory) {
      [reporter = dead.reporter, broker = target.broker] reason in
      let state = reason.map { "takes nothing for now (\($0)): waiting" } ?? "takes items again"
      reporter.report(LogEntry(.notice, "the broker at \(broker) \(state)"))
    }
    var missingIDs = ids
    do {
      try replay.run(depth: ids.isEmpty ? min(depth, limit) : depth, limit: limit) { delivery in
        guard !ids.isEmpty else { return true }
        guard let id = delivery.properties.messageID?.description, ids.contains(id) else { return false }
        missingIDs.remove(id)
        return true
      }
    } catch {
      var failure = failure(error, of: target)
      failure.message += "; \(moved(replay))"
      throw failure
    }
    target.close()
    source.close()
    if !missingIDs.isEmpty, replay.movedCount < limit {
      let missing = missingIDs.sorted().map { "'\($0)'" }.joined(separator: ", ")
      throw Failure(.failure, "no item in \(dead.place(source)) has the id \(missing); \(moved(replay))")
    }
    dead.reporter.report(
      LogEntry(.notice, "\(moved(replay)) from \(dead.place(source))", ["items": .integer(replay.movedCount)]))
  }

  /// - Throws: `Failure`
  private func way(_ source: BrokerSession) throws -> QueueReader.Way {
    guard ids.isEmpty else { return try dead.wayToLook(source) }
    let standing = try dead.standing(source)
    // Where an error ends it, what is under way goes back, which may count against a limit.
    return standing.returns == .unlimited ? standing.way : .gets(atOnce: 1)
  }

  private func moved(_ replay: Replay) -> String {
    let count = replay.movedCount
    let unknown = replay.unknownCount
    return "\(count) item\(count == 1 ? "" : "s") moved to queue '\(dead.queue.name)'"
      + (unknown == 0 ? "" : ", and \(unknown == 1 ? "one" : "\(unknown)") more may be there and still be dead")
  }

  private func failure(_ error: any Error, of target: BrokerSession) -> Failure {
    let place = "queue '\(dead.queue.name)' at \(target.broker)"
    return switch error {
    case Publisher.Refusal.unroutable: Failure(.noQueue, "\(place) is not there any more")
    case Publisher.Refusal.rejected:
      Failure(.temporaryFailure, "\(place) takes no more: the broker rejected an item, as it does when a queue is full")
    case let error as SystemError:
      Failure(
        .inputOutputError, "an item for \(place) cannot be stored in \(dead.spoolDirectory) (TMPDIR): \(error.reason)")
    case BrokerSession.CallError.refused(let reason) where reason.text.contains("queue '\(dead.queue.deadName)'"):
      Failure(error, queue: dead.queue.deadName, broker: target.broker)
    default: Failure(error, queue: dead.queue.name, broker: target.broker)
    }
  }
}
