/// Writes the log to standard error: one line an entry, as text for people or as JSON for machines.
public struct Logger: Sendable {
  public enum Format: String, Sendable, CaseIterable {
    case text
    case json
  }

  private let program: String
  private let format: Format
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
    guard entry.level >= threshold else { return }
    write((format == .json ? json(entry) : text(entry)) + "\n")
  }

  /// An entry as one line of text, without its end.
  public func text(_ entry: LogEntry) -> String {
    // What came from elsewhere must neither break the line nor speak to a terminal.
    "\(program): "
      + String(
        String.UnicodeScalarView(
          entry.message.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }

  private func json(_ entry: LogEntry) -> String {
    var members = ["\"level\":\(quoted(entry.level.name))", "\"message\":\(quoted(entry.message))"]
    for field in entry.fields {
      members.append("\(quoted(field.name)):\(json(field.value))")
    }
    return "{" + members.joined(separator: ",") + "}"
  }

  private func json(_ value: LogEntry.Value) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .integer(let number): "\(number)"
    case .seconds(let duration): "\(Double(duration / .milliseconds(1)).rounded() / 1000)"
    }
  }

  private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\u{0}"..<" ", "\u{7f}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
