package import Linux

/// Where a step waits for items: its name, and the path of its socket.
package struct StepPlace: Hashable, Sendable {
  package let name: String
  package let path: String
  private let isWordAPath: Bool

  /// A word with a slash is the path of a socket. Any other word is a name, whose socket is `NAME.sock` in `directory`.
  package init(_ word: String, in directory: String) {
    guard word.contains("/") else {
      (name, path, isWordAPath) = (word, "\(directory)/\(word).sock", false)
      return
    }
    isWordAPath = true
    let file = word.split(separator: "/").last.map(String.init) ?? word
    (name, path) = (file.hasSuffix(".sock") ? String(file.dropLast(".sock".count)) : file, word)
  }

  /// Why nobody may wait there.
  var likelyAbsence: String {
    guard !isWordAPath || path.hasSuffix(".sock") else {
      return "a word with a slash is the path of the socket itself: did you mean \(path).sock?"
    }
    return "the step has not begun yet, or has ended with its last runner, and then it has to be started anew"
  }
}

/// How an item failed in a step.
package struct StepFailure: Hashable, Sendable {
  package enum End: Hashable, Sendable {
    case ended(ProcessStatus)
    /// The step went away while its worker ran.
    case lost
  }

  package var step: String
  package var end: End
  /// The end of what the worker wrote to its standard error, if that is kept and it wrote anything.
  package var standardError: String?
}
