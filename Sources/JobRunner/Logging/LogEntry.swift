/// One line of the log: a message for people, with fields for machines.
package struct LogEntry: Hashable, Sendable {
  package enum Level: Int, Hashable, Sendable, Comparable {
    /// Everything that is done.
    case info
    /// What a person should know without asking.
    case notice
    case warning
    /// Why the exit status is not 0.
    case error

    package static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }

    var name: String {
      switch self {
      case .info: "info"
      case .notice: "notice"
      case .warning: "warning"
      case .error: "error"
      }
    }
  }

  package enum Value: Hashable, Sendable {
    case text(String)
    case integer(Int)
    case seconds(Duration)
    case flag(Bool)
  }

  package struct Field: Hashable, Sendable {
    package var name: String
    package var value: Value
  }

  package var level: Level
  package var message: String
  package var fields: [Field]

  package init(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
    self.level = level
    self.message = message
    self.fields = fields.map { Field(name: $0.key, value: $0.value) }
  }
}
