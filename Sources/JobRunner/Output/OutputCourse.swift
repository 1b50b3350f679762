/// How far one stream of a worker has come on its way through the runner.
struct OutputCourse: Hashable, Sendable {
  enum Step: Hashable, Sendable {
    /// Everything was passed on.
    case nothing
    /// The sink has to have room first.
    case waitForRoom
    case read
    /// Nothing more can be read: what was read of an unfinished line is passed on.
    case complete
  }

  /// How far the relay has to come until it has written everything of this stream.
  var mark: UInt64 = 0
  /// Everything was read and passed on to the sink.
  var isComplete = false

  /// What to do next. What is left in the pipe needs room; the end of a drained pipe never waits, because no event would come.
  func next(isDrained: Bool, hasRoom: Bool) -> Step {
    if isComplete { return .nothing }
    if isDrained { return .complete }
    return hasRoom ? .read : .waitForRoom
  }

  /// Whether everything is where it belongs, or lost. A relay that fails has come past every mark.
  func isHandedOn(relayAt writtenCount: UInt64) -> Bool { isComplete && writtenCount >= mark }
}
