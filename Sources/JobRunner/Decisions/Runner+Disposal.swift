internal import Broker
internal import Console
internal import Linux

/// What became of items in the end, for the log and for the runner's last line.
extension Runner {
  /// That was the item's way out: it counts, and is said.
  mutating func disposed(of ended: EndedJob, as disposal: Disposal) -> [RunnerAction] {
    tally.count(disposal)
    var level = LogEntry.Level.info
    if ended.outcome != .done { level = options.extent == .count(1) ? .error : .warning }
    report.logged(level)
    guard level >= options.leastLogged else { return [] }
    let item = ended.item
    let name = item.id.map { "item \($0)" } ?? "an item"
    let attempt = "attempt \(item.attempt)\(item.hasUncountedReturn ? " or a later one" : "")"
    var entry = LogEntry(
      level, "\(name) of \(place), \(attempt), \(ended.duration.text): \(ended.what); \(disposal.text)",
      [
        "queue": .text(queue.name), "attempt": .integer(item.attempt),
        "seconds": .seconds(ended.duration), "settlement": .text(disposal.name),
      ])
    if item.hasUncountedReturn { entry.fields.append(.init("attempt_is_minimum", .flag(true))) }
    if let id = item.id { entry.fields.append(.init("id", .text(id))) }
    if let status = ended.status {
      entry.fields.append(.init("status", .integer(Int(status.shellCode))))
    }
    return [.log(entry)]
  }
}
