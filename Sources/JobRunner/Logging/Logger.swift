internal import Reports

/// Writes a log: one line an entry, as text for people or as JSON for machines.
package struct Logger: Sendable {
  package enum Format: String, Sendable, CaseIterable {
    case text
    case json
  }

  private let program: String
  package let format: Format
  /// Entries below are left out.
  package let threshold: LogEntry.Level
  private let time: (@Sendable () -> String)?
  private let write: @Sendable (String) -> Void

  /// `write` takes one line, its end included. `time` is what the clock says as a line is written, which begins with that;
  /// without it no line has a time.
  package init(
    program: String = "amqp-job", format: Format, threshold: LogEntry.Level, time: (@Sendable () -> String)? = nil,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.program = program
    self.format = format
    self.threshold = threshold
    self.time = time
    self.write = write
  }

  package func log(_ entry: LogEntry) {
    if entry.level >= threshold { show(entry) }
  }

  /// Writes an entry that was asked for by itself, whatever its level.
  package func show(_ entry: LogEntry) {
    let time = time?()
    write((format == .json ? json(entry, time) : (time.map { "\($0) " } ?? "") + text(entry)) + "\n")
  }

  /// An entry as one line of text, without a time and without its end.
  package func text(_ entry: LogEntry) -> String { "\(program): \(entry.message.printable)" }

  private func json(_ entry: LogEntry, _ time: String?) -> String {
    let time = time.map { [JSON.Member("time", .text($0))] } ?? []
    let fields = entry.fields.map { JSON.Member($0.name, $0.value.json) }
    let words = [JSON.Member("level", .text(entry.level.name)), JSON.Member("message", .text(entry.message))]
    return JSON.object(time + words + fields).description
  }
}

extension LogEntry.Value {
  fileprivate var json: JSON {
    switch self {
    case .text(let text): .text(text)
    case .integer(let number): .integer(Int64(number))
    case .flag(let value): .boolean(value)
    case .seconds(let duration): .number(Double(duration / .milliseconds(1)).rounded() / 1000)
    }
  }
}
