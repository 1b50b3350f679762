/// One line of the log: a message for people, and fields for machines.
package struct LogEntry: Hashable, Sendable {
  package enum Level: Int, Hashable, Sendable, Comparable {
    /// A step of the work, logged only on request.
    case info
    /// Something that a user should know without asking for it.
    case notice
    case warning
    /// The reason for an exit status other than 0.
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

    package init(_ name: String, _ value: Value) {
      self.name = name
      self.value = value
    }
  }

  package var level: Level
  package var message: LogMessage
  package var fields: [Field]

  package init(_ level: Level, _ message: LogMessage, _ fields: KeyValuePairs<String, Value> = [:]) {
    self.level = level
    self.message = message
    self.fields = fields.map { Field($0.key, $0.value) }
  }
}
