internal import Console
package import Linux

/// What becomes of the workers' own output.
package enum OutputForm: Sendable {
  /// Workers have the runner's own standard output and standard error.
  case inherit
  /// The same, but what goes to a terminal goes above the runner's progress, in whole lines.
  case terminals(Set<OutputStream>)
  /// Whole lines go to the runner's standard output and standard error.
  case lines(LineFormat)
  /// Each worker has files of its own in this directory.
  case files(OutputDirectory)
}

/// How the lines of workers are written.
package enum LineFormat: Hashable, Sendable {
  /// As they are.
  case plain
  /// With the item's tag and a tab in front.
  case tag
  /// As JSON objects, all of them on standard output.
  case json
}

/// A standard stream of a worker.
package enum OutputStream: String, Hashable, Sendable, CaseIterable {
  case output = "stdout"
  case error = "stderr"

  /// As messages name it.
  package var name: String {
    switch self {
    case .output: "standard output"
    case .error: "standard error"
    }
  }
}

/// What tells the output of one worker from that of others.
struct OutputLabel: Hashable, Sendable {
  /// The item's message id. nil if it has none, or an empty one.
  let id: String?
  /// How many items this runner had begun with this one.
  let number: Int
  let attempt: Int

  init(id: String?, number: Int, attempt: Int) {
    self.id = id?.isEmpty == true ? nil : id
    (self.number, self.attempt) = (number, attempt)
  }

  /// What stands in front of a line.
  var tag: String { id?.printable ?? name }

  /// The name of an item without an id.
  var name: String { "item-\(number)" }
}
