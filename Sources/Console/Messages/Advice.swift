/// A part of a message that names settings. It is left out by a program that lacks one of them.
///
///     let advice: Advice = "; \(.anyQueue) serves it all the same"
package struct Advice: Hashable, Sendable, ExpressibleByStringInterpolation {
  enum Part: Hashable, Sendable {
    case text(String)
    case setting(SettingName)
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    var parts: [Part] = []

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ text: String) { parts.append(.text(text)) }
    package mutating func appendInterpolation(_ setting: SettingName) { parts.append(.setting(setting)) }
    package mutating func appendInterpolation(_ text: String) { parts.append(.text(text)) }
    package mutating func appendInterpolation(_ number: Int) { parts.append(.text("\(number)")) }
  }

  private let parts: [Part]

  package init(stringLiteral text: String) { parts = [.text(text)] }
  package init(stringInterpolation: StringInterpolation) { parts = stringInterpolation.parts }

  /// The advice in the spelling of the program. nil where the program lacks one of the settings.
  func text(for program: Program) -> String? {
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .setting(let setting):
        guard let spelling = program.spelling(of: setting) else { return nil }
        text += spelling
      }
    }
    return text
  }
}
