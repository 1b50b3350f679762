import Arguments
import Testing

@Suite struct ManualPageTests {
  private func command(optionCount: Int) -> Command {
    let options: [any CommandOption] = (1...optionCount).map { Flag("other-\($0)", "rarely needed") }
    return Command(
      tool: "tool", name: "do", summary: "Does it.", examples: ["tool do -q 'x'"],
      notes: ".dots 'quotes' and \\ backslashes, `too`.", operands: .one(name: "KIND"), choices: ["job", "cronjob"],
      groups: [OptionGroup("Options", [Option("queue", short: "q", .text("NAME"), "the queue").common] + options)],
      exitStatuses: [.init("0", "done"), .init("1", "not done")])
  }

  private func page(_ command: Command) -> String {
    ManualPage(
      command, version: "1.0", environment: [.init("TOOL_X", "as --x")], related: ["tool", "tool-do"]
    ).roff
  }

  @Test func aLongHelpIsCutDownToWhatMostPeopleNeed() {
    let short = command(optionCount: 3)
    #expect(short.helpText == short.fullHelpText)
    let long = command(optionCount: 30)
    #expect(long.helpText.contains("--queue") && !long.helpText.contains("--other-1"))
    #expect(long.helpText.contains("tool do --help-all") && long.helpText.contains("KIND is job or cronjob."))
    #expect(long.helpText.split(separator: "\n", omittingEmptySubsequences: false).count <= 25)
    #expect(long.fullHelpText.contains("--other-30"))
    #expect(long.fullHelpText.hasSuffix("Exit status:\n  0        done\n  1        not done\n"))
  }

  @Test func aPageHasItsSections() {
    let sections = page(command(optionCount: 1)).split(separator: "\n").filter { $0.hasPrefix(".SH") }
    let titles = [
      "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO",
    ]
    #expect(sections.map(String.init) == titles.map { ".SH \"\($0)\"" })
  }

  @Test func whatRoffWouldReadIsEscaped() {
    let lines = page(command(optionCount: 1)).split(separator: "\n").map(String.init)
    #expect(lines.contains("\\&.dots \\(aqquotes\\(aq and \\e backslashes, \\(gatoo\\(ga."))
    #expect(lines.contains("tool do \\-q \\(aqx\\(aq"))
    #expect(lines.contains(".B \"\\-q, \\-\\-queue NAME\""))
    #expect(lines.suffix(3) == ["tool(1)", ".PP", "Each of these pages is printed by \\(aqtool man PAGE\\(aq."])
    #expect(lines.allSatisfy { $0.utf8.count <= 80 })
  }

  @Test func aToolWithoutANameIsCalledAlone() {
    var whole = command(optionCount: 1)
    whole.name = ""
    #expect(whole.invocation == "tool" && whole.pageName == "tool")
    #expect(command(optionCount: 1).invocation == "tool do" && command(optionCount: 1).pageName == "tool-do")
  }
}
