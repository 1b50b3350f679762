internal import AMQP
internal import JSONText
internal import Linux

/// A source that is a command: each line of its output is a name, or a JSON object with `name` and `data`.
final class CommandSource: SourceReader {
  private static let maxOutputSize = 16 << 20
  private static let timeLimit: Duration = .seconds(600)

  private let processes: ProcessGroups
  private let program: ProcessGroups.Program
  private let field: String?
  private var run: Run?
  /// The bodies of the present list, by name; a name without one is its own body.
  private var bodies: [ByteString: FetchedItem] = [:]

  private struct Run {
    let processID: Int32
    let output: OutputPipe
    let deadline: ContinuousClock.Instant
    var text: [UInt8] = []
    /// Why the command is being killed.
    var flaw: String?
  }

  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(_ program: ProcessGroups.Program, field: String?, _ processes: ProcessGroups) {
    (self.program, self.field, self.processes) = (program, field, processes)
  }

  var interests: [PollInterest] { [run?.output.interest].compactMap(\.self) }
  var deadline: ContinuousClock.Instant? { run.flatMap { $0.flaw == nil ? $0.deadline : nil } }

  func list() -> SourceAnswer? {
    bodies = [:]
    do throws(SystemError) {
      let output = try OutputPipe()
      let processID = try retryingOnShortage { () throws(SystemError) in
        try processes.start(program, input: processes.makeEmptyInput(), output: output)
      }
      run = Run(processID: processID, output: output, deadline: .now + Self.timeLimit)
      return nil
    } catch { return .list(.failed("it cannot be started: \(error.reason)")) }
  }

  func fetch(_ name: ByteString) -> SourceAnswer? { .item(name, bodies[name] ?? .body(.memory(name.bytes))) }

  func process(_ readiness: ArraySlice<PollReadiness>) -> SourceAnswer? {
    if readiness.first?.readable == true { read() }
    if let deadline, .now >= deadline { kill("it runs for more than \(Self.timeLimit.components.seconds) s") }
    return nil
  }

  /// Reads what is there. Returns whether something was.
  @discardableResult
  private func read() -> Bool {
    guard let output = run?.output, let count = try? output.read(into: &buffer), count > 0 else { return false }
    guard run?.flaw == nil else { return true }
    run?.text += buffer[..<count]
    if let size = run?.text.count, size > Self.maxOutputSize {
      kill("its output is longer than \(Self.maxOutputSize >> 20) MiB")
    }
    return true
  }

  private func kill(_ reason: String) {
    guard var run else { return }
    (run.flaw, run.text) = (reason, [])
    self.run = run
    processes.send(.kill, to: run.processID)
  }

  func childEnded() -> SourceAnswer? {
    guard let ended = processes.reap().first(where: { $0.processID == run?.processID }) else { return nil }
    run?.output.childEnded()
    while read() {}
    guard let run else { return nil }
    self.run = nil
    if let flaw = run.flaw { return .list(.failed(flaw)) }
    switch ended.status {
    case .exited(0): break
    case .exited(let code): return .list(.failed("it exited with \(code)"))
    case .killed(let signal): return .list(.failed("it was killed by \(signal)"))
    }
    do { return .list(try names(run.text)) } catch { return .list(.failed("\(error)")) }
  }

  func stop() {
    if let run { processes.send(.terminate, to: run.processID) }
    processes.stop()
  }

  // MARK: Lines

  private func names(_ text: [UInt8]) throws(ItemDocuments.FormError) -> SourceList {
    var names: [ByteString] = []
    var flaw: String?
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let item = try item(line)
      if let reason = ItemName.flaw(item.name) {
        flaw = flaw ?? reason
        continue
      }
      let name = ByteString(item.name)
      names.append(name)
      if let body = item.body { bodies[name] = body }
    }
    return .names(names, flaw: flaw)
  }

  private func item(_ line: ArraySlice<UInt8>) throws(ItemDocuments.FormError) -> (name: [UInt8], body: FetchedItem?) {
    guard line.first == UInt8(ascii: "{") else { return (Array(line), nil) }
    let members = try ItemDocuments.members(Array(line))
    guard let name = members.string("name") else {
      throw .init(description: "a line is a JSON object without a 'name'")
    }
    return (Array(name.utf8), members["data"].map(body))
  }

  private func body(ofData data: [UInt8]) -> FetchedItem {
    do { return .body(.memory(try ItemDocuments.body(ofData: data, field: field))) } catch {
      return .unreadable("\(error)")
    }
  }
}
