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
      "An init container can use this command to copy the program into a shared volume. The copy is named amqp-job, and "
      + "everybody may execute it. The copy appears only when it is complete, and it may replace one that is running. "
      + "A link replaces only another link, never another file. Called by the name of a link, the program takes the "
      + "options of that tool, which its manual page describes ('amqp-job man amqp-consume').",
    operands: .one(name: "DIR"),
    groups: [OptionGroup("Options", [links])],
    exitStatuses: [
      Explained(.success, "The program is in DIR."), StatusMeaning.usage,
      Explained(.inputOutputError, "DIR cannot be written to. Or a file that is no link has the name of a link."),
    ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let directory = try settings.operands()[0].text
    guard !directory.isEmpty else { throw UsageError("DIR is empty") }
    let tools = try settings.value(links) ? ToolName.allCases : []
    try attempt(Main.tool, in: directory) { () throws(SystemError) in
      try ExecutableFile.installThisProgram(as: Main.tool, in: directory)
    }
    for tool in tools {
      try attempt(tool.rawValue, in: directory) { () throws(SystemError) in
        try ExecutableFile.link(tool.rawValue, to: Main.tool, in: directory)
      }
    }
  }

  private static func attempt(_ name: String, in directory: String, _ body: () throws(SystemError) -> Void) throws {
    do {
      try body()
    } catch {
      throw Failure(.inputOutputError, "cannot install \(directory)/\(name): \(reason(error, directory))")
    }
  }

  /// Why the file cannot be installed, and what to do about it.
  static func reason(_ error: SystemError, _ directory: String) -> String {
    if error.isMissing { return "there is no such directory; 'mkdir -p \(directory.shellWord)' makes it" }
    if error.isMissingDirectory { return "DIR is not a directory" }
    return error.isThereAlready
      ? "a file of that name exists, and is no link; remove it first, or leave out \(links)" : "\(error)"
  }
}
