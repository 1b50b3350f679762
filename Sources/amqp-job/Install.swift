import Arguments
import Console
import Linux

/// `amqp-job install`
enum Install: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "install",
    summary: "Copy this program into a directory.",
    examples: ["amqp-job install /opt/amqp-job"],
    notes:
      "An init container has that done into a volume that it shares. It is amqp-job there, for everybody to execute, and there whole or not at all: one that runs is replaced, too. "
      + "Links take the place of links only, never of other files; called by them, it takes the options of those tools ('amqp-job man amqp-consume').",
    operands: .one(name: "DIR"),
    groups: [
      OptionGroup("Options", [Option("links", "the names of amqp-tools, too, as links to it")])
    ],
    exitStatuses: [
      Explained(.success, "It is there."), StatusMeaning.usage,
      Explained(.inputOutputError, "It cannot be written there, or what is there is no link."),
    ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let directory = try settings.operands()[0].text
    guard !directory.isEmpty else { throw UsageError("DIR is empty") }
    let tools = try settings.flag("links") ? ToolName.allCases : []
    try attempt("\(directory)/\(Main.tool)") { () throws(SystemError) in
      try ExecutableFile.installThisProgram(as: Main.tool, in: directory)
    }
    for tool in tools {
      try attempt("\(directory)/\(tool.rawValue)") { () throws(SystemError) in
        try ExecutableFile.link(tool.rawValue, to: Main.tool, in: directory)
      }
    }
  }

  private static func attempt(_ path: String, _ body: () throws(SystemError) -> Void) throws {
    do {
      try body()
    } catch {
      throw Failure(.inputOutputError, "cannot install \(path): \(error)")
    }
  }
}
