/// A program that speaks to a user. Its name begins each line of its log, and it spells the settings that messages name.
package struct Program: Hashable, Sendable {
  package let name: String
  private let settings: Set<SettingName>

  package init(_ name: String, settings: Set<SettingName>) {
    self.name = name
    self.settings = settings
  }

  /// The program under its own name, which has all settings.
  package static let amqpJob = Program("amqp-job", settings: Set(SettingName.allCases))

  /// The option with which a user of the program sets this. nil where the program has no such option.
  func spelling(of setting: SettingName) -> String? { settings.contains(setting) ? "--\(setting.rawValue)" : nil }
}
