import Arguments
import Console
import JobRunner
import Linux
import Steps

/// `amqp-job check`
enum Check: ToolCommand {
  static let livenessFile = Run.livenessFile.described("the runner's liveness file")
  static let maxAge = DefaultedOption("max-age", .maxAge, default: .seconds(30)) {
    "maximum age of its last sign of life (default \($0))"
  }
  static let socket = Step.socket.described("a step's socket: exit 0 only if the step answers there")
  static let ready = Flag("ready", "exit 0 only if the runner is also connected to its broker")

  static let name = "check"
  static let definition = Command(
    tool: Main.tool, name: name,
    summary: "Exit 0 while a runner or step is alive, else 1: a probe.",
    examples: [
      "amqp-job check --liveness-file /run/amqp-job/alive", "amqp-job check --ready",
      "amqp-job check --socket /run/amqp-job/blur.sock",
    ],
    notes:
      "'amqp-job run \(livenessFile) PATH' keeps the file up to date while it runs, whatever the broker and the workers do. "
      + "If AMQP_JOB_LIVENESS_FILE is set in the container, both commands use that file.",
    groups: [OptionGroup("Options", [livenessFile, maxAge, ready, socket])],
    exitStatuses: [
      Explained(
        .success,
        "The runner is alive. With --ready, it is also connected to its broker. With --socket, the step answers."),
      Explained(
        .failure,
        "The runner is not alive, or its file cannot be read. Or, with --ready, it is not connected to its broker. Or, with "
          + "--socket, the step does not answer."),
      StatusMeaning.usage,
    ])

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    guard let failure = try failure(&settings) else { return }
    // A probe does not write to the termination log, which belongs to the runner.
    Logger(format: .text, threshold: .error).log(LogEntry(.error, "\(failure)"))
    ExitStatus.failure.exit()
  }

  /// Why the probe fails. nil where the runner, or the step, is alive.
  private static func failure(_ settings: inout Settings) throws -> String? {
    let others: [any CommandOption] = [livenessFile, maxAge, ready]
    let other = others.first { settings.isGiven($0) }
    if let other, settings.isGiven(socket) {
      throw UsageError("\(other) is about a runner, and \(socket) about a step")
    }
    if other == nil, let path = try settings.value(socket) {
      return StepProbe.silence(of: path).map { "the step does not answer: \($0) (\(path))" }
    }
    guard let path = try settings.value(livenessFile) else {
      throw UsageError("no liveness file given: use \(livenessFile) or AMQP_JOB_LIVENESS_FILE")
    }
    let maxAge = try settings.value(maxAge)
    let asksForBroker = try settings.value(ready)
    return reasonForFailure(path, maxAge: maxAge, asksForBroker: asksForBroker).map { "\($0) (\(path))" }
  }

  private static let noLivenessFile = "this is no runner's liveness file"

  /// Why the probe fails where the liveness file holds `content`. nil where the runner is alive.
  static func reasonForFailure(
    _ content: [UInt8], at now: UInt64, maxAge: Duration, asksForBroker: Bool
  ) -> String? {
    guard let record = LivenessRecord(content) else { return noLivenessFile }
    return record.unhealthyReason(at: now, maxAge: maxAge, asksForBroker: asksForBroker)
  }

  /// What is wrong with the runner. nil where it is alive.
  private static func reasonForFailure(_ path: String, maxAge: Duration, asksForBroker: Bool) -> String? {
    do {
      return reasonForFailure(
        try RecordFile.read(path), at: ThisProcess.monotonicTime, maxAge: maxAge, asksForBroker: asksForBroker)
    } catch let error as SystemError where error.isThereAlready {
      return noLivenessFile
    } catch {
      return "no runner gives signs of life: \(SystemError.reason(of: error))"
    }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var maxAge: Self {
    duration.limited("is at least 10s: signs come every 5s") { $0 >= Liveness.period * 2 }
  }
}
