internal import Linux

/// One stream of a worker that this process reads, and where it goes.
struct WorkerStream {
  enum Sink {
    /// The runner's standard error takes the bytes as they come. Nothing waits for it.
    case bytes
    /// A standard stream of the runner takes whole lines. The worker's end waits until it has them.
    case lines(LineFramer)
    case file(OutputDirectory.NewOutput)
    /// Nothing takes the rest.
    case none
  }

  let pipe: OutputPipe
  var sink: Sink
  /// The end of what was written, if that is kept.
  var tail: StandardErrorTail?
  var course = OutputCourse()
}
