import Arguments
import Console
import Testing

@testable import amqp_job

@Suite("Settings that messages name") struct SettingNameTests {
  @Test("Each setting that a message may name is an option of some command", arguments: SettingName.allCases)
  func isAnOption(setting: SettingName) {
    #expect(Main.commands.contains { $0.definition.optionNames.contains(setting.rawValue) })
  }

  @Test("A failure hides passwords and keeps its advice") func failuresHidePasswords() {
    let failure = Failure(.usage, "not 'amqp://user:secret@host'\(naming: .timeout)")
    #expect(failure.message.text(for: .amqpJob) == "not 'amqp://user:***@host' (--timeout)")
  }

  @Test("The programs of amqp-tools name no setting of amqp-job", arguments: ToolName.allCases)
  func toolsNameNoSettings(name: ToolName) {
    let message: LogMessage = "no\(naming: .connectTimeout)"
    #expect(message.text(for: name.tool.asProgram) == "no")
  }
}
