internal import HTTP
internal import Linux
internal import Synchronization
internal import TLS

/// Sends spans to a collector, in a thread of its own that begins with the first span. Whoever adds one never waits.
package final class TraceExporter: Sendable {
  package struct Program: Hashable, Sendable {
    package var name: String
    package var version: String

    package init(_ name: String, version: String) { (self.name, self.version) = (name, version) }
  }

  private struct State {
    var plan: ExportPlan
    var hasThread = false
    /// The thread has been woken, and has not looked since.
    var isWoken = false
  }

  private let settings: TraceSettings
  private let tls: TLSContext?
  private let program: Program
  private let state: Mutex<State>
  private let waking: (readEnd: Descriptor, writeEnd: Descriptor)
  private let ending: (readEnd: Descriptor, writeEnd: Descriptor)

  /// - Throws: `SystemError`, and `TLSError` if a certificate cannot be used
  package init(_ settings: TraceSettings, _ program: Program) throws {
    (self.settings, self.program) = (settings, program)
    state = Mutex(State(plan: ExportPlan(delay: settings.delay)))
    tls = try settings.tls.map { try TLSContext($0) }
    (waking, ending) = (try Wakeup.make(), try Wakeup.make())
  }

  package func add(_ span: Span) {
    let (isFirst, isSooner) = state.withLock { state in
      let due = state.plan.due
      state.plan.add(span, now: .now)
      defer { state.hasThread = true }
      return (!state.hasThread, state.plan.due != due)
    }
    guard isFirst else { return isSooner ? wake() : () }
    do { try Thread { [self] in run() }.detach() } catch { giveUp(reason: error.description) }
  }

  /// Sends what is left, for as long as the limit. Returns what was lost in all.
  package func end(within limit: Duration) -> ExportPlan.Loss {
    let deadline = ContinuousClock.now + limit
    state.withLock { $0.plan.end() }
    wake()
    let interest = PollInterest(descriptor: ending.readEnd.number, readable: true, writable: false)
    while !state.withLock({ $0.plan.isDone }), .now < deadline { _ = try? poll([interest], until: deadline) }
    giveUp(reason: "it has not answered by the end of the program")
    return loss
  }

  /// What has been lost so far.
  package var loss: ExportPlan.Loss { state.withLock(\.plan.loss) }

  private func giveUp(reason: String) { state.withLock { $0.plan.giveUp(reason: reason) } }

  private func wake() {
    let isNeeded = state.withLock { state in
      defer { state.isWoken = true }
      return !state.isWoken
    }
    if isNeeded { _ = try? waking.writeEnd.write([0]) }
  }

  // MARK: The thread

  private func run() {
    do { try send() } catch { giveUp(reason: SystemError.reason(of: error)) }
    _ = try? ending.writeEnd.write([0])
  }

  /// Returns at the end of the program.
  /// - Throws: `SystemError`
  private func send() throws {
    var limits = HTTPClient.Limits()
    (limits.time, limits.connecting) = (settings.timeout, min(settings.timeout, limits.connecting))
    limits.bodySize = 1 << 20
    let client = try HTTPClient(
      settings.endpoint, tls: tls, userAgent: "\(program.name)/\(program.version)", limits: limits)
    while !state.withLock({ $0.plan.isDone }) {
      if let batch = state.withLock({ $0.plan.next(now: .now) }) { client.send(request(batch)) }
      let interest = PollInterest(descriptor: waking.readEnd.number, readable: true, writable: false)
      let readiness = try poll([interest, client.interest], until: state.withLock(\.plan.due))
      if readiness[0].readable {
        var byte: [UInt8] = [0]
        _ = try waking.readEnd.read(into: &byte)
        state.withLock { $0.isWoken = false }
      }
      guard readiness[1].readable, let outcome = client.takeOutcome() else { continue }
      let answer = ExportAnswer(outcome)
      state.withLock { $0.plan.answered(answer, now: .now, jitter: .random(in: 0...1)) }
    }
  }

  private func request(_ spans: [Span]) -> HTTPClient.Request {
    let request = TraceRequest(
      resource: settings.resource, program: program.name, version: program.version, spans: spans)
    let path = settings.endpoint.path.isEmpty ? "/" : settings.endpoint.path
    return HTTPClient.Request(
      .post, path: path, headers: settings.headers.merging(["Content-Type": "application/json"]) { $1 },
      body: request.json)
  }
}
