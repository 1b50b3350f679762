import Arguments
import JobRunner
import Linux

/// `amqp-job check`
enum Check: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "check",
    summary: "Exit 0 while a runner is alive, else 1: a container's probe.",
    examples: ["amqp-job check --liveness-file /run/amqp-job/alive", "amqp-job check --ready"],
    notes:
      "'amqp-job run --liveness-file PATH' keeps the file fresh while it turns, whatever the broker and the workers do. "
      + "Set AMQP_JOB_LIVENESS_FILE in the container, and both know the file.",
    groups: [
      OptionGroup(
        "Options",
        [
          Option("liveness-file", value: "PATH", "the runner's file"),
          Option("max-age", value: "DURATION", "how old its last sign of life may be (default 30s)"),
          Option("ready", "exit 0 only if it is connected to its broker, too"),
        ])
    ],
    exitStatuses: [
      Explained(.success, "The runner is alive; with --ready it has its broker, too."),
      Explained(.failure, "It is not, or its file cannot be read."), StatusMeaning.usage,
    ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    guard let path = try settings.text("liveness-file") else {
      throw UsageError("no liveness file given: use --liveness-file or AMQP_JOB_LIVENESS_FILE")
    }
    let maxAge = try settings.duration("max-age") ?? .seconds(30)
    guard maxAge >= Liveness.period * 2 else { throw UsageError("--max-age is at least 10s: signs come every 5s") }
    let asksForBroker = try settings.flag("ready")
    guard let unhealthyReason = unhealthyReason(path, maxAge: maxAge, asksForBroker: asksForBroker) else { return }
    // Not for the termination log, which is the runner's.
    Logger(format: .text, threshold: .error).log(LogEntry(.error, "\(unhealthyReason) (\(path))"))
    ExitStatus.failure.exit()
  }

  private static func unhealthyReason(_ path: String, maxAge: Duration, asksForBroker: Bool) -> String? {
    do {
      guard let record = LivenessRecord(try RecordFile.read(path)) else { return "this is no runner's liveness file" }
      return record.unhealthyReason(at: ThisProcess.monotonicTime, maxAge: maxAge, asksForBroker: asksForBroker)
    } catch {
      return "no runner gives signs of life: \(SystemError.reason(of: error))"
    }
  }
}
