/// A page of the manual, in man(7)'s macros, made from a command's definition.
public struct ManualPage: Sendable {
  /// A term and what it means.
  public struct Entry: Sendable {
    public var term: String
    public var meaning: String

    public init(_ term: String, _ meaning: String) {
      self.term = term
      self.meaning = meaning
    }
  }

  public var command: Command
  public var version: String
  /// Of a tool without options of its own.
  public var commands: [Entry]
  public var exitStatuses: [Entry]
  public var environment: [Entry]
  /// Pages of section 1.
  public var related: [String]

  public init(
    _ command: Command, version: String, commands: [Entry] = [], exitStatuses: [Entry], environment: [Entry],
    related: [String]
  ) {
    self.command = command
    self.version = version
    self.commands = commands
    self.exitStatuses = exitStatuses
    self.environment = environment
    self.related = related
  }

  /// The page's source, for `man -l -` or a file `NAME.1`.
  public var roff: String {
    let name = command.pageName
    var page = Roff()
    page.request("TH", name.uppercased(), "1", "", "\(command.tool) \(version)", "\(command.tool) manual")
    page.section("NAME")
    page.text("\(name) - \(command.summary.withoutFullStop)")
    page.section("SYNOPSIS")
    page.request("B", command.invocation)
    page.text(command.usage)
    page.section("DESCRIPTION")
    page.text(command.summary)
    for text in [command.choiceText, command.notes].compactMap(\.self) where !text.isEmpty {
      page.request("PP")
      page.text(text)
    }
    if !commands.isEmpty {
      page.section("COMMANDS")
      commands.forEach { page.entry($0) }
    }
    if !command.groups.isEmpty {
      page.section("OPTIONS")
      for group in command.groups {
        page.request("SS", group.title)
        group.options.forEach { page.entry(Entry($0.usage, $0.help)) }
      }
    }
    page.section("EXIT STATUS")
    exitStatuses.forEach { page.entry($0) }
    page.section("ENVIRONMENT")
    environment.forEach { page.entry($0) }
    page.section("EXAMPLES")
    page.request("EX")
    command.examples.forEach { page.line($0) }
    page.request("EE")
    page.section("SEE ALSO")
    page.text(related.filter { $0 != name }.map { "\($0)(1)" }.joined(separator: ", "))
    return page.source
  }
}

extension Command {
  /// As git's pages have it, `amqp-job-run`.
  public var pageName: String { String(invocation.map { $0 == " " ? "-" : $0 }) }
}

extension Option {
  fileprivate var usage: String { (short.map { "-\($0), " } ?? "") + "--\(name)" + valueUsage }
}

extension String {
  fileprivate var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
