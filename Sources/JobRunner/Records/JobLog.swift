internal import Console
internal import Linux

/// The lines of a job log, in the columns of `parallel --joblog`, with more columns behind them. See parallel(1).
package struct JobLog: Sendable {
  package static let header =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\tItem\tAttempt\tSettlement\n"

  private let host: String
  private let command: String
  private var lastNumber = 0

  /// `command` has the words of the worker's command.
  package init(host: String, command: [String]) {
    self.host = Self.cell(host)
    self.command = Self.cell(command.joined(separator: " "))
  }

  /// The next line, with its newline. `startTime` is in seconds since 1970-01-01T00:00:00Z.
  package mutating func line(_ record: JobRecord, startTime: Double) -> String {
    lastNumber += 1
    let (exit, signal) = Self.numbers(record)
    let seconds = Double(record.duration / .milliseconds(1)) / 1000
    let cells = [
      "\(lastNumber)", host, Self.fixed(startTime, width: 0), Self.fixed(seconds, width: 10), "\(record.bodySize)",
      "\(record.resultSize)", "\(exit)", "\(signal)", command, Self.cell(record.id ?? ""), "\(record.attempt)",
      record.settlement,
    ]
    return cells.joined(separator: "\t") + "\n"
  }

  /// The exit code, which is -1 where no worker has ended, and the number of the signal.
  private static func numbers(_ record: JobRecord) -> (exit: Int32, signal: Int32) {
    switch record.status {
    case .exited(let code)?: (code, 0)
    case .killed(let signal)?: (0, signal.rawValue)
    case nil: (-1, 0)
    }
  }

  /// The number with three digits after the point, and blanks in front of it up to `width` characters.
  private static func fixed(_ number: Double, width: Int) -> String {
    let thousandths = Int64((number * 1000).rounded())
    let fraction = "\(thousandths % 1000)"
    let text = "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// The text without what would end a cell or a line.
  private static func cell(_ text: String) -> String { text.printable }
}
