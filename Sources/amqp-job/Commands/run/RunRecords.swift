import Arguments
import Console
import JobRunner
import Linux
import Telemetry

/// Keeps the records of a runner: one line for each item in the job log, the pod's termination message, and the traces.
final class RunRecords {
  private let file: LogFile?
  private var log: JobLog
  private var message: TerminationMessage
  private let traces: RunTraces?
  private let reporter: Reporter
  private let progress: RunProgress?
  private let startedAt = ContinuousClock.now
  private var hasWarned = false

  /// - Throws: `Failure` if the job log cannot be opened
  init(
    _ settings: inout Settings, command: [[UInt8]], _ options: JobOptions, _ reporter: Reporter,
    _ progress: RunProgress?
  ) throws {
    log = JobLog(host: ThisProcess.hostName, command: command.map { String(decoding: $0, as: UTF8.self) })
    message = TerminationMessage(isOfSeveral: options.isOfSeveral)
    (self.reporter, self.progress) = (reporter, progress)
    traces = RunTraces(settings.environment, options, log: progress?.report ?? reporter.report)
    file = try settings.value(Run.jobLog).map { path throws(Failure) in
      try LogOptions.open(path, called: "job log", header: JobLog.header)
    }
  }

  /// The span of an attempt that begins, if it has one.
  func beginSpan(_ item: WorkItem) -> SpanContext? { traces?.begin(item) }

  func add(_ record: JobRecord) {
    message.add(record)
    traces?.add(record)
    guard let file else { return }
    let line = log.line(record, startTime: ThisProcess.timeOfDay(at: record.startedAt))
    guard !file.append(line), !hasWarned else { return }
    hasWarned = true
    let warning = LogEntry(.warning, "the job log takes no more lines; the work goes on")
    progress?.report(warning) ?? reporter.report(warning)
  }

  /// The runner has ended. A failure has a termination message already, which says why.
  func end(_ status: ExitStatus) {
    let duration = startedAt.duration(to: .now)
    traces?.end()
    guard status == .success else { return }
    reporter.reportSuccess(message.text(duration: duration))
  }
}
