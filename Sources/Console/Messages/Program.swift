/// A program that speaks to a user. Its name begins each line of its log, and it spells the settings that messages name.
package struct Program: Hashable, Sendable {
  package let name: String
  private let settings: Set<SettingName>
  /// The variables of the environment from which the program took settings.
  private let variables: [SettingName: String]

  package init(_ name: String, settings: Set<SettingName>, variables: [SettingName: String] = [:]) {
    self.name = name
    self.settings = settings
    self.variables = variables
  }

  /// The program under its own name, which has all settings.
  package static let amqpJob = amqpJob(settingsFrom: [:])

  /// The same, with the variables from which it took settings.
  package static func amqpJob(settingsFrom variables: [SettingName: String]) -> Program {
    Program("amqp-job", settings: Set(SettingName.allCases), variables: variables)
  }

  /// The option with which a user of the program sets this, and the variable by which the user did. nil where the program has no
  /// such option.
  func spelling(of setting: SettingName) -> String? {
    guard settings.contains(setting) else { return nil }
    return "--\(setting.rawValue)" + (variables[setting].map { " from \($0)" } ?? "")
  }
}
