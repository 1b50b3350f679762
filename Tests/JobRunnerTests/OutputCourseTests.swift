import Testing

@testable import JobRunner

/// One stream of a worker and the relay that it goes to, with everything that can happen to them, in whatever order.
private struct Passage: Hashable {
  enum Event: CaseIterable {
    case workerWrites, workerEnds, poll, readerTakesAll, relayFails
  }

  var course = OutputCourse()
  /// Portions in the pipe.
  var inPipe = 0
  var isRunning = true
  var writes = 0
  var taken: UInt64 = 0
  var written: UInt64 = 0

  var isIdle: Bool { taken == written }
  var isDrained: Bool { !isRunning && inPipe == 0 }
  var next: OutputCourse.Step { course.next(isDrained: isDrained, hasRoom: isIdle) }
  var isHandedOn: Bool { course.isHandedOn(relayAt: written) }
  /// Whether poll has something to wait for that concerns this stream.
  var isWaitedFor: Bool { next == .read || !isIdle }

  mutating func handle(_ event: Event) {
    switch event {
    case .workerWrites where isRunning && writes < 3:
      inPipe += 1
      writes += 1
    case .workerEnds where isRunning:
      isRunning = false
      while next == .read || next == .complete { advance() }
    case .poll where next == .read && inPipe > 0: advance()
    case .readerTakesAll, .relayFails: written = taken
    default: break
    }
  }

  /// As `WorkerOutputs.read` does: the end is noticed with the last portion.
  private mutating func advance() {
    if inPipe > 0 {
      inPipe -= 1
      taken += 1
      course.mark = taken
    }
    guard isDrained else { return }
    // The rest of a line without its newline.
    taken += 1
    course.mark = taken
    course.isComplete = true
  }
}

@Suite("How far the output of a worker has come") struct OutputCourseTests {
  /// Every state that some order of the events leads to.
  private func reachable() -> Set<Passage> {
    var found: Set<Passage> = [Passage()]
    var open = Array(found)
    while let state = open.popLast() {
      for event in Passage.Event.allCases {
        var following = state
        following.handle(event)
        if found.insert(following).inserted { open.append(following) }
      }
    }
    return found
  }

  @Test("Whatever happens in whatever order, an ended worker is handed on or something is waited for")
  func nothingHangs() {
    let states = reachable()
    #expect(states.count > 30)
    for state in states where !state.isRunning {
      #expect(state.isHandedOn || state.isWaitedFor, "\(state)")
    }
  }

  @Test("As soon as the reader takes everything, the worker's end is handed on, with all that it wrote")
  func aReaderIsEnough() {
    for var state in reachable() where !state.isRunning {
      for _ in 0..<4 {
        state.handle(.readerTakesAll)
        state.handle(.poll)
      }
      state.handle(.readerTakesAll)
      #expect(state.isHandedOn && state.written == UInt64(state.writes) + 1, "\(state)")
    }
  }

  @Test("Nothing is handed on before the worker's end, or while the relay holds some of it")
  func notTooEarly() {
    for state in reachable() where state.isRunning || state.inPipe > 0 || !state.isIdle {
      #expect(!state.isHandedOn, "\(state)")
    }
  }

  @Test("The end of a drained pipe waits for no room, and a pipe that is not drained is read only with room")
  func steps() {
    var course = OutputCourse()
    #expect(course.next(isDrained: true, hasRoom: false) == .complete)
    #expect(course.next(isDrained: false, hasRoom: false) == .waitForRoom)
    #expect(course.next(isDrained: false, hasRoom: true) == .read)
    course.isComplete = true
    for isDrained in [false, true] { #expect(course.next(isDrained: isDrained, hasRoom: true) == .nothing) }
  }
}
