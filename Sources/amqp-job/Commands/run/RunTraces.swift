import Console
import JobRunner
import Linux
import Telemetry

/// The traces of a runner: a span for each item, which goes to a collector. What fails here is told when it begins and at
/// the end, and changes nothing else.
final class RunTraces {
  /// How long the end of the program waits for the collector.
  private static let endLimit: Duration = .milliseconds(900)

  private let tracer: ItemTracer
  private let exporter: TraceExporter
  private let endpoint: String
  private let log: (LogEntry) -> Void
  /// How many dropped spans the log has told of.
  private var toldCount = 0

  /// nil if the environment asks for no traces, or for some that cannot be sent.
  init?(_ environment: Environment, _ options: JobOptions, log: @escaping (LogEntry) -> Void) {
    do {
      guard let settings = try TraceSettings(host: ThisProcess.hostName, variable: { environment[$0] }) else {
        return nil
      }
      for warning in settings.warnings { log(LogEntry(.warning, "traces: \(warning)")) }
      tracer = ItemTracer(settings.sampler, brokers: options.brokers)
      exporter = try TraceExporter(settings, TraceExporter.Program("amqp-job", version: version))
      endpoint = settings.destination
      self.log = log
    } catch {
      log(LogEntry(.warning, "no traces: \(SystemError.reason(of: error)); the work goes on without them"))
      return nil
    }
  }

  func begin(_ item: WorkItem) -> SpanContext? { tracer.begin(item) }

  func add(_ record: JobRecord) {
    let start = UInt64(max(0, ThisProcess.timeOfDay(at: record.startedAt) * 1e9))
    guard let span = tracer.span(of: record, start: start) else { return }
    exporter.add(span)
    if toldCount == 0 { warn(exporter.loss) }
  }

  /// The runner has ended.
  func end() { warn(exporter.end(within: Self.endLimit)) }

  private func warn(_ loss: ExportPlan.Loss) {
    guard loss.count > toldCount else { return }
    let inAll = toldCount == 0 ? "" : " in all"
    toldCount = loss.count
    log(
      LogEntry(
        .warning,
        "\(loss.count.counted("span"))\(inAll) for \(endpoint) dropped: \(loss.reason); this does not change what was done"
      ))
  }
}
