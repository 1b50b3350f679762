/// A page of the manual, made from a command's definition. It is written in man(7)'s macros.
package struct ManualPage: Sendable {
  private struct Group {
    let title: String
    let options: [Explained]
  }

  private let tool: String
  private let name: String
  private let invocation: String
  private let usage: String
  private let summary: String
  private let notes: [String]
  private let groups: [Group]
  private let examples: [String]
  private let differences: [String]
  package var version: String
  /// The commands of a tool. They are listed on the tool's own page only.
  package var commands: [Explained]
  private let exitStatuses: [Explained]
  package var environment: [Explained]
  /// Names of other pages of section 1.
  package var related: [String]

  package init(
    _ command: Command, version: String, commands: [Explained] = [], environment: [Explained], related: [String]
  ) {
    (tool, name) = (command.tool, command.pageName)
    (invocation, usage) = (command.invocation, command.usage)
    summary = command.summary
    notes = [command.choiceText, command.notes].compactMap(\.self).filter { !$0.isEmpty }
    groups = command.groups.map { group in
      Group(title: group.title, options: group.options.map { Explained($0.usage, $0.help) })
    }
    examples = command.examples
    differences = []
    self.version = version
    self.commands = commands
    exitStatuses = command.exitStatuses
    self.environment = environment
    self.related = related
  }

  /// Makes the page of a program that belongs to `tool`.
  package init(
    _ command: PoptCommand, of tool: String, version: String, exitStatuses: [Explained], environment: [Explained],
    related: [String]
  ) {
    self.tool = tool
    (name, invocation, usage) = (command.program, command.program, command.operandUsage)
    summary = command.summary
    notes = []
    groups = command.manualGroups.map { group in
      Group(title: group.title, options: group.options.map { Explained($0.term, $0.help) })
    }
    examples = command.examples
    differences = command.differences
    self.version = version
    commands = []
    self.exitStatuses = exitStatuses
    self.environment = environment
    self.related = related
  }

  /// The source of the page, for `man -l -` or for a file `NAME.1`.
  package var roff: String {
    var page = Roff()
    page.request("TH", name.uppercased(), "1", "", "\(tool) \(version)", "\(tool) manual")
    writeBeginning(to: &page)
    writeEntries("COMMANDS", commands, to: &page)
    writeOptions(to: &page)
    writeDifferences(to: &page)
    writeEntries("EXIT STATUS", exitStatuses, to: &page)
    writeEntries("ENVIRONMENT", environment, to: &page)
    writeEnd(to: &page)
    return page.source
  }

  private func writeBeginning(to page: inout Roff) {
    page.section("NAME")
    page.text("\(name) - \(summary.withoutFullStop)")
    page.section("SYNOPSIS")
    page.request("B", invocation)
    page.text(usage)
    page.section("DESCRIPTION")
    page.text(summary)
    page.paragraphs(notes)
  }

  private func writeEntries(_ title: String, _ entries: [Explained], to page: inout Roff) {
    guard !entries.isEmpty else { return }
    page.section(title)
    entries.forEach { page.entry($0) }
  }

  private func writeOptions(to page: inout Roff) {
    guard !groups.isEmpty else { return }
    page.section("OPTIONS")
    for group in groups {
      page.request("SS", group.title)
      group.options.forEach { page.entry($0) }
    }
  }

  private func writeDifferences(to page: inout Roff) {
    guard !differences.isEmpty else { return }
    page.section("DIFFERENCES")
    page.text(
      "This program takes the options of the program of the same name in amqp-tools 0.11, and does the same, except for this:"
    )
    page.paragraphs(differences)
  }

  private func writeEnd(to page: inout Roff) {
    page.section("EXAMPLES")
    page.request("EX")
    examples.forEach { page.line($0) }
    page.request("EE")
    page.section("SEE ALSO")
    // Names must not be hyphenated.
    page.request("nh")
    page.text(related.filter { $0 != name }.map { "\($0)(1)" }.joined(separator: ", "))
    page.paragraphs(["Each of these pages is printed by '\(tool) man PAGE'."])
  }
}

extension Command {
  /// The name of the command's page, formed as git forms its own: `amqp-job-run`.
  package var pageName: String { String(invocation.map { $0 == " " ? "-" : $0 }) }
}

extension OptionDefinition {
  fileprivate var usage: String { (short.map { "-\($0), " } ?? "") + "--\(name)" + valueUsage }
}

extension String {
  fileprivate var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
