/// The text of a log entry or of an error. Where it names a setting, it carries the setting itself, since only the program that
/// prints the message knows whether it has the setting and how a user spells it.
///
///     let message: LogMessage = "the worker ran for longer than 10 s\(naming: .timeout)"
package struct LogMessage: Hashable, Sendable, ExpressibleByStringInterpolation {
  private enum Part: Hashable, Sendable {
    case text(String)
    case advice(Advice, otherwise: String)
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var message = LogMessage()

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ text: String) { message.append(text) }

    package mutating func appendInterpolation<Value>(_ value: Value) { message.append("\(value)") }

    /// Appends the description without a search for the type's conformances at run time.
    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      message.append(value.description)
    }

    package mutating func appendInterpolation(_ other: LogMessage) { message += other }

    /// Appends the advice, or `otherwise` where the program lacks a setting that the advice names.
    package mutating func appendInterpolation(_ advice: Advice, otherwise: String = "") {
      message.parts.append(.advice(advice, otherwise: otherwise))
    }

    /// Appends the setting in parentheses, or `otherwise` where the program lacks the setting.
    package mutating func appendInterpolation(naming setting: SettingName, otherwise: String = "") {
      appendInterpolation(" (\(setting))", otherwise: otherwise)
    }
  }

  private var parts: [Part] = []

  private init() {}

  package init(stringLiteral text: String) { append(text) }
  package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.message }

  /// The message in the words of the program.
  package func text(for program: Program) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .advice(let advice, let otherwise): advice.text(for: program) ?? otherwise
      }
    }.joined()
  }

  /// The message with each of its texts transformed. Advice stays as it is.
  package func mapTexts(_ transform: (String) -> String) -> LogMessage {
    var message = LogMessage()
    for part in parts {
      if case .text(let text) = part { message.append(transform(text)) } else { message.parts.append(part) }
    }
    return message
  }

  package static func + (one: LogMessage, other: LogMessage) -> LogMessage {
    var sum = one
    sum += other
    return sum
  }

  package static func += (message: inout LogMessage, other: LogMessage) {
    for part in other.parts {
      if case .text(let text) = part { message.append(text) } else { message.parts.append(part) }
    }
  }

  /// Keeps adjacent texts as one part, so that equal messages have equal parts.
  private mutating func append(_ text: String) {
    guard !text.isEmpty else { return }
    if case .text(let last) = parts.last {
      parts[parts.count - 1] = .text(last + text)
    } else {
      parts.append(.text(text))
    }
  }
}
