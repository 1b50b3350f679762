import Arguments
import Console
import JobRunner
import Linux
import Steps

/// `amqp-job step`
enum Step: ToolCommand {
  static let socket = Option("socket", .socketPath, "the socket at which to wait for items").common
  static let grace = Run.grace

  static let name = "step"
  static let definition = Command(
    tool: Main.tool, name: name,
    summary: "Run a command on the items that 'run --step' hands over.",
    examples: ["amqp-job step --socket /run/amqp-job/blur.sock -- ./blur.py"],
    notes:
      "The command gets each item as 'amqp-job run' would give it. Its output is the input of the next step. A step knows "
      + "no broker and needs no credentials: AMQP_* and BROKER_URL are withheld from the command. It ends when its runner "
      + "has ended.",
    operands: .rest(name: "COMMAND [ARG...]"),
    groups: [
      OptionGroup("Options", [socket, grace, Run.passEnvironment]), LogOptions.group(verbose: "every connection"),
    ],
    exitStatuses: [
      Explained(.success, "The runner has ended, or a signal has ended the step."), StatusMeaning.usage,
      Explained(.internalError, "The system has no process, memory or file descriptor for the step itself."),
      Explained(.inputOutputError, "The socket cannot be made, or the --log-file cannot be opened."),
      Explained(.notExecutable, "The command is not executable."),
      Explained(.commandNotFound, "The command, or its interpreter, was not found."),
    ])

  /// The variables, besides `AMQP_*`, in which a runner would find credentials. A step does not use them.
  private static let runnersCredentials: Set = ["BROKER_URL"]

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    guard let path = try settings.value(socket) else {
      throw UsageError("no socket given: use \(socket) or AMQP_JOB_SOCKET")
    }
    var program = try ProcessGroups.Program(
      command: arguments.operands, searchPath: settings.environment.path, beforeItems: false)
    let grace = try settings.value(grace)
    let reporter = try LogOptions.reporter(&settings)
    let passesSettings = try settings.value(Run.passEnvironment)
    program.environment =
      WorkerEnvironment(
        settings.environment.entries, usedSettings: settings.usedVariables.union(runnersCredentials),
        passesSettings: passesSettings
      ).inherited
    let configuration = StepServer.Configuration(path: path, worker: program, grace: grace, version: version)
    do throws(SystemError) {
      try StepServer(configuration, log: reporter.report).run()
    } catch {
      throw failure(error, path)
    }
  }

  private static func failure(_ error: SystemError, _ path: String) -> Failure {
    guard ["bind", "connect", "listen"].contains(error.call) else {
      return Failure(.internalError, "the system refuses what the step itself needs: \(error)")
    }
    let cause = error.isAddressInUse ? ": a step waits there, or it is no socket; take another path" : ""
    return Failure(.inputOutputError, "cannot make the socket \(path): \(error.reason)\(cause)")
  }
}

extension ValueType where Value == String {
  fileprivate static var socketPath: Self {
    name("PATH").limited("is a path of 1 to \(PacketSocket.maxPathLength) bytes") {
      (1...PacketSocket.maxPathLength).contains($0.utf8.count)
    }
  }
}
