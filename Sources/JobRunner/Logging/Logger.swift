internal import Reports

/// Writes the log to standard error: one line an entry, as text for people or as JSON for machines.
public struct Logger: Sendable {
  public enum Format: String, Sendable, CaseIterable {
    case text
    case json
  }

  private let program: String
  public let format: Format
  /// Entries below are left out.
  public let threshold: LogEntry.Level
  private let write: @Sendable (String) -> Void

  /// `write` takes one line, its end included.
  public init(
    program: String = "amqp-job", format: Format, threshold: LogEntry.Level, write: @escaping @Sendable (String) -> Void
  ) {
    self.program = program
    self.format = format
    self.threshold = threshold
    self.write = write
  }

  public func log(_ entry: LogEntry) {
    if entry.level >= threshold { show(entry) }
  }

  /// Writes an entry that was asked for by itself, whatever its level.
  public func show(_ entry: LogEntry) {
    write((format == .json ? json(entry) : text(entry)) + "\n")
  }

  /// An entry as one line of text, without its end.
  public func text(_ entry: LogEntry) -> String { "\(program): \(entry.message.printable)" }

  private func json(_ entry: LogEntry) -> String {
    let fields = entry.fields.map { JSON.Member($0.name, $0.value.json) }
    return JSON.object([.init("level", .text(entry.level.name)), .init("message", .text(entry.message))] + fields)
      .description
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
