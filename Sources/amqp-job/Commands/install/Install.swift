import Arguments
import Console
import Linux

/// `amqp-job install`
enum Install: ToolCommand {
  static let links = Flag("links", "also make links to it with the names of amqp-tools")

  static let name = "install"
  static let definition = Command(
    tool: Main.tool, name: name,
    summary: "Copy this program into a directory.",
    examples: ["amqp-job install /opt/amqp-job"],
    notes:
      "An init container can use it to copy the program into a shared volume. The copy is named amqp-job, and everybody may execute it. It is complete or not there at all, and replaces a copy that is running. "
      + "Links replace only links, never other files. Called by such a name, the program takes the options of that tool ('amqp-job man amqp-consume').",
    operands: .one(name: "DIR"),
    groups: [OptionGroup("Options", [links])],
    exitStatuses: [
      Explained(.success, "It is there."), StatusMeaning.usage,
      Explained(.inputOutputError, "It cannot be written there, or what is there is no link."),
    ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let directory = try settings.operands()[0].text
    guard !directory.isEmpty else { throw UsageError("DIR is empty") }
    let tools = try settings.value(links) ? ToolName.allCases : []
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
