internal import Broker
internal import Console
internal import Linux

/// Recording how items were settled, for the log and for the runner's last line.
extension Runner {
  /// Counts and logs how the item was settled.
  mutating func record(_ ended: EndedJob, as settlement: Settlement) -> [RunnerAction] {
    tally.count(settlement)
    let record: [RunnerAction] = options.report.recordsJobs ? [.record(JobRecord(ended, settlement))] : []
    return record + log(ended, settlement)
  }

  private mutating func log(_ ended: EndedJob, _ settlement: Settlement) -> [RunnerAction] {
    var level = LogEntry.Level.info
    // Another line has said why an item was abandoned.
    if ended.outcome != .done, ended.outcome != .abandoned { level = options.extent == .count(1) ? .error : .warning }
    report.logged(level)
    guard level >= options.report.leastLogged else { return [] }
    let item = ended.item
    let name = item.id.map { "item \($0)" } ?? "an item"
    let attempt = "attempt \(item.attempt)\(item.isAttemptMinimum ? " or a later one" : "")"
    var entry = LogEntry(
      level, "\(name) of \(queueLabel), \(attempt), \(ended.duration.text): \(ended.what); \(settlement.text)",
      [
        "queue": .text(queue.name), "attempt": .integer(item.attempt),
        "seconds": .seconds(ended.duration), "settlement": .text(settlement.name),
      ])
    if item.isAttemptMinimum { entry.fields.append(.init("attempt_is_minimum", .flag(true))) }
    if let step = ended.step { entry.fields.append(.init("step", .text(step))) }
    if let id = item.id { entry.fields.append(.init("id", .text(id))) }
    if let status = ended.status {
      entry.fields.append(.init("status", .integer(Int(status.shellCode))))
    }
    return [.log(entry)]
  }
}
