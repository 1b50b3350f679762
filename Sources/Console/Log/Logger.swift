/// Writes each log entry as one line: as text for people, or as JSON for machines.
package struct Logger: Sendable {
  package enum Format: String, Sendable, CaseIterable {
    case text
    case json
  }

  private let program: Program
  package let format: Format
  /// Entries below this level are left out.
  package let threshold: LogEntry.Level
  private let time: (@Sendable () -> String)?
  private let write: @Sendable (String) -> Void

  /// Each line of text begins with the name of the program. `time` returns the current time, which then comes before the name;
  /// without it, no line has a time. `write` gets one line at a time, with its newline.
  package init(
    program: Program = .amqpJob, format: Format, threshold: LogEntry.Level, time: (@Sendable () -> String)? = nil,
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

  /// Writes an entry whatever its level, because the user asked for this kind of entry.
  package func show(_ entry: LogEntry) {
    let time = time?()
    write((format == .json ? json(entry, time) : (time.map { "\($0) " } ?? "") + text(entry)) + "\n")
  }

  /// The entry as one line of text, without a time and without a newline.
  package func text(_ entry: LogEntry) -> String { "\(program.name): \(entry.message.text(for: program).printable)" }

  private func json(_ entry: LogEntry, _ time: String?) -> String {
    let time = time.map { [JSON.Member("time", .text($0))] } ?? []
    let fields = entry.fields.map { JSON.Member($0.name, $0.value.json) }
    let words = [
      JSON.Member("level", .text(entry.level.name)), JSON.Member("message", .text(entry.message.text(for: program))),
    ]
    return JSON.object(time + words + fields).description
  }
}

extension LogEntry.Value {
  fileprivate var json: JSON {
    switch self {
    case .text(let text): .text(text)
    case .integer(let number): .integer(Int64(number))
    case .flag(let value): .boolean(value)
    case .seconds(let duration): .seconds(duration)
    }
  }
}
