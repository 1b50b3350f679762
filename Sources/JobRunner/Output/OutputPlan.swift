internal import Linux

/// Which streams of workers pass through the runner, and where they go.
struct OutputPlan: Sendable {
  let form: OutputForm
  /// How many bytes of the end of a standard error are kept for a dead letter; nil for none.
  let keptErrorSize: Int?
  /// Standard output is the item's result, and does not pass through the runner.
  let publishesOutput: Bool

  /// The streams of the runner's own command that pass through the runner.
  var streams: [OutputStream] {
    OutputStream.allCases.filter { stream in
      switch stream {
      case .output where publishesOutput: false
      case .error where keptErrorSize != nil: true
      case .output, .error: goesSomewhere(stream)
      }
    }
  }

  private func goesSomewhere(_ stream: OutputStream) -> Bool {
    switch form {
    case .inherit: false
    case .terminals(let terminals): terminals.contains(stream)
    case .lines, .files: true
    }
  }

  /// How the lines of this stream are written; nil if it does not go line by line.
  func format(of stream: OutputStream) -> LineFormat? {
    switch form {
    case .terminals(let terminals): terminals.contains(stream) ? .plain : nil
    case .lines(let format): format
    case .inherit, .files: nil
    }
  }

  /// The lines, or the files, have to be told apart.
  var needsLabels: Bool {
    if case .inherit = form { false } else { true }
  }

  /// The stream of the runner that the lines of this one go to.
  func target(of stream: OutputStream) -> OutputStream {
    if case .lines(.json) = form { .output } else { stream }
  }
}
