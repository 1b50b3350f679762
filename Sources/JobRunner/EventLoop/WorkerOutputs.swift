internal import Console
internal import Linux

/// The outputs of workers that pass through the runner, by slot. While the stream that they go to has no room, nothing is read, so
/// that a worker that writes more has to wait, as it would with a stream of its own. The runner never waits for the end of an output.
struct WorkerOutputs {
  struct Key: Hashable {
    let slot: Int
    let stream: OutputStream
  }

  /// What is waited for.
  enum Source: Hashable {
    case pipe(Key)
    case relay(OutputStream)
  }

  /// How much is read at a time. Short lines grow to many times that when each gets its item's name.
  private static let portion = 16_384

  let plan: OutputPlan
  private var streams: [Key: WorkerStream] = [:]
  private var labels: [Int: OutputLabel] = [:]
  private var itemCount = 0
  private var relays: WorkerRelays
  private var losses: [OutputLoss] = []
  private var buffer: [UInt8] = []

  init(_ plan: OutputPlan, _ line: TerminalLine?) {
    self.plan = plan
    relays = WorkerRelays(plan, line)
  }

  // MARK: Beginning

  /// An item is about to pass the workers of a slot.
  mutating func begin(_ item: WorkItem, slot: Int) {
    guard plan.needsLabels else { return }
    itemCount += 1
    labels[slot] = OutputLabel(id: item.id, number: itemCount, attempt: item.attempt)
  }

  /// Makes what the slot's worker writes to. A stream that is nil is the runner's own.
  /// - Throws: `OutputNotKept`, or `SystemError` for want of descriptors
  mutating func open(slot: Int) throws -> (output: OutputPipe?, error: OutputPipe?) {
    guard !plan.streams.isEmpty else { return (nil, nil) }
    let files = try makeFiles(slot: slot)
    do {
      for stream in plan.streams { try open(Key(slot: slot, stream: stream), file: files[stream]) }
    } catch {
      for file in files.values { file.remove() }
      discard(slot: slot)
      throw error
    }
    return (streams[Key(slot: slot, stream: .output)]?.pipe, streams[Key(slot: slot, stream: .error)]?.pipe)
  }

  /// Makes the pipe for the standard error of a step. nil leaves the step its own.
  mutating func openError(ofStepIn slot: Int) throws(SystemError) -> OutputPipe? {
    guard plan.keptErrorSize != nil else { return nil }
    let key = Key(slot: slot, stream: .error)
    try open(key, file: nil)
    return streams[key]?.pipe
  }

  private mutating func open(_ key: Key, file: OutputDirectory.NewOutput?) throws(SystemError) {
    var sink = WorkerStream.Sink.bytes
    if let file {
      sink = .file(file)
    } else if let format = plan.format(of: key.stream), let label = labels[key.slot] {
      sink = .lines(LineFramer(format, label, key.stream))
    }
    let tail = key.stream == .error ? plan.keptErrorSize.map(StandardErrorTail.init) : nil
    streams[key] = WorkerStream(pipe: try OutputPipe(), sink: sink, tail: tail)
  }

  private func makeFiles(slot: Int) throws -> [OutputStream: OutputDirectory.NewOutput] {
    guard case .files(let directory) = plan.form, let label = labels[slot] else { return [:] }
    do throws(SystemError) { return try OutputFiles.make(for: plan.streams, label, in: directory) } catch {
      guard !error.isTemporary else { throw error }
      throw OutputNotKept(directory: directory.path, error: error)
    }
  }

  /// The worker was not started.
  mutating func discard(slot: Int) {
    for stream in remove(slot: slot) {
      if case .file(let file) = stream.sink { file.remove() }
    }
  }

  @discardableResult
  private mutating func remove(slot: Int) -> [WorkerStream] {
    OutputStream.allCases.compactMap { streams.removeValue(forKey: Key(slot: slot, stream: $0)) }
  }

  // MARK: Reading

  /// What to wait for.
  var interests: [(source: Source, interest: PollInterest)] {
    guard !streams.isEmpty || !relays.areIdle else { return [] }
    let pipes = streams.compactMap { key, stream -> (Source, PollInterest)? in
      guard nextStep(of: stream, key) == .read else { return nil }
      return stream.pipe.interest.map { (.pipe(key), $0) }
    }
    return pipes + relays.interests.map { (.relay($0.stream), $0.interest) }
  }

  private func nextStep(of stream: WorkerStream, _ key: Key) -> OutputCourse.Step {
    stream.course.next(isDrained: stream.pipe.isAtEnd, hasRoom: hasRoom(stream, key))
  }

  private func hasRoom(_ stream: WorkerStream, _ key: Key) -> Bool {
    switch stream.sink {
    case .bytes, .lines: relays.isIdle(key.stream)
    case .file, .none: true
    }
  }

  /// To be called when the source is ready.
  /// - Throws: `SystemError`
  mutating func process(_ source: Source) throws {
    switch source {
    case .pipe(let key):
      // What was read of another pipe meanwhile may have taken the room.
      if let stream = streams[key], nextStep(of: stream, key) == .read { try read(key) }
    case .relay(let stream):
      relays.write(stream)
      noteFailure(ofRelay: stream)
    }
  }

  private mutating func read(_ key: Key) throws(SystemError) {
    guard var stream = streams[key] else { return }
    // The buffer is the same for all, and is made for the first.
    if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.portion) }
    let count = try stream.pipe.read(into: &buffer)
    if count > 0 { pass(buffer[..<count], of: &stream, key) }
    if stream.pipe.isAtEnd { complete(&stream, key) }
    streams[key] = stream
    if count > 0 || stream.course.isComplete { noteFailure(ofRelay: relays.target(of: key.stream)) }
  }

  /// Passes on what a worker has written.
  private mutating func pass(_ bytes: ArraySlice<UInt8>, of stream: inout WorkerStream, _ key: Key) {
    stream.tail?.append(bytes)
    switch stream.sink {
    case .none: break
    case .bytes:
      // Nothing waits for these bytes, so that they are the only ones for which there may be no room.
      guard relays.hasRoom(key.stream) else { return relays.noteUnread(relays.target(of: key.stream)) }
      relays.append(bytes, to: key.stream)
    case .lines(var framer):
      stream.course.mark = relays.append(framer.append(bytes)[...], to: key.stream)
      stream.sink = .lines(framer)
    case .file(let file):
      do throws(SystemError) { try file.append(bytes) } catch { lose(&stream, file, error, key) }
    }
  }

  /// Everything was read.
  private mutating func complete(_ stream: inout WorkerStream, _ key: Key) {
    guard !stream.course.isComplete else { return }
    stream.course.isComplete = true
    switch stream.sink {
    case .none, .bytes: break
    case .lines(var framer): stream.course.mark = relays.append(framer.finish()[...], to: key.stream)
    case .file(let file):
      do throws(SystemError) { try file.complete() } catch { lose(&stream, file, error, key) }
    }
  }

  private mutating func lose(
    _ stream: inout WorkerStream, _ file: OutputDirectory.NewOutput, _ error: SystemError, _ key: Key
  ) {
    stream.sink = .none
    losses.append(OutputLoss(place: file.path, reason: error.reason, slot: key.slot))
  }

  /// Lines that a stream of the runner did not take are lost, unless nobody reads them.
  private mutating func noteFailure(ofRelay target: OutputStream) {
    guard let failure = relays.takeFailure(of: target) else { return }
    for (key, each) in streams where relays.target(of: key.stream) == target && each.course.mark > failure.writtenCount
    {
      guard case .lines = each.sink else { continue }
      losses.append(OutputLoss(place: key.stream.name, reason: failure.error.reason, slot: key.slot))
    }
  }

  /// The outputs that were lost since the last call.
  mutating func takeLosses() -> [OutputLoss] {
    defer { losses = [] }
    return losses
  }

  /// The streams that nobody reads any more. Each is told once.
  mutating func takeUnread() -> [OutputStream] { relays.takeUnread() }

  // MARK: Ends

  /// The slot's worker has ended. Reads what it has left in the pipes, as far as there is room for it.
  mutating func workerEnded(slot: Int) {
    for stream in OutputStream.allCases {
      let key = Key(slot: slot, stream: stream)
      streams[key]?.pipe.childEnded()
      readRest(key)
    }
  }

  private mutating func readRest(_ key: Key) {
    while let stream = streams[key] {
      var step = nextStep(of: stream, key)
      if case .bytes = stream.sink, step == .waitForRoom { step = .read }
      switch step {
      case .nothing, .waitForRoom: return
      case .read, .complete: readOrLose(key)
      }
    }
  }

  /// A failure to read is no failure of the runner, because the item still has to be settled.
  private mutating func readOrLose(_ key: Key) {
    do throws(SystemError) { try read(key) } catch {
      guard var stream = streams[key] else { return }
      complete(&stream, key)
      stream.course.isComplete = true
      streams[key] = stream
      guard case .bytes = stream.sink else {
        return losses.append(OutputLoss(place: key.stream.name, reason: error.reason, slot: key.slot))
      }
    }
  }

  /// Whether everything that the slot's worker wrote is where it belongs, or lost.
  func isHandedOn(slot: Int) -> Bool {
    OutputStream.allCases.allSatisfy { stream in
      guard let each = streams[Key(slot: slot, stream: stream)] else { return true }
      guard case .lines = each.sink else { return each.course.isComplete }
      return each.course.isHandedOn(relayAt: relays.writtenCount(of: stream))
    }
  }

  /// Forgets the slot's output. Returns the end of the standard error, if that is kept and there was anything.
  mutating func finish(slot: Int) -> String? { remove(slot: slot).compactMap { $0.tail?.text }.first }

  /// A step has ended. What it has left in the pipe is passed on, as far as there is room, and nothing waits for that.
  mutating func finishStep(slot: Int) -> String? {
    let key = Key(slot: slot, stream: .error)
    streams[key]?.pipe.childEnded()
    while let stream = streams[key], !stream.course.isComplete {
      do { try read(key) } catch { streams[key]?.course.isComplete = true }
    }
    return finish(slot: slot)
  }

  /// Passes on the last output, within a short limit.
  mutating func flush() { relays.flush() }
}
