internal import Console

/// How the pods run `amqp-job run`.
package struct RunOptions: Hashable, Sendable {
  package enum OnTerm: String, Hashable, Sendable, CaseIterable {
    case stop
    case finish
  }

  package struct Attempts: Hashable, Sendable {
    package var most: Int
    package var retryDelay: Duration

    package init(most: Int, retryDelay: Duration) {
      self.most = most
      self.retryDelay = retryDelay
    }
  }

  /// The time that the runner takes at most to settle an item.
  static let settling = Duration.seconds(5)
  /// What the pod gets beyond all that, to end before it is killed.
  private static let margin = Duration.seconds(5)

  /// What a queue that is missing or empty gets, where it may be declared and filled after the pods have started.
  static let timeToBeFilled = Duration.seconds(60)

  /// nil leaves it to the kind of object: `timeToBeFilled`, or nothing where the pods are for what is there already.
  package var waitFirst: Duration?
  package var timeout: Duration?
  package var grace = Duration.seconds(20)
  /// nil leaves it to the runner: workers are stopped, unless it serves for ever.
  package var onTerm: OnTerm?
  /// nil for a queue without a retry and a dead-letter queue.
  package var attempts: Attempts?

  package init() {}

  /// From TERM to the end of a runner whose worker takes all the time that it may, and more, so that no worker is
  /// killed that would have ended. nil where that has no end.
  func terminationGracePeriod(finishes: Bool) -> Duration? {
    let stopping = grace + Self.settling + Self.margin
    return finishes ? timeout.map { $0 + stopping } : stopping
  }

  /// The runner's arguments for workers that serve until their queue is drained, one item each, or for ever.
  /// `usually` is what the queue is granted if nobody said so.
  func arguments(_ extent: Extent, waitFirst usually: Duration) -> [String] {
    var words = ["--wait-first=\((waitFirst ?? usually).text)"] + extent.arguments
    if let timeout { words.append("--timeout=\(timeout.text)") }
    words.append("--grace=\(grace.text)")
    if let onTerm { words.append("--on-term=\(onTerm.rawValue)") }
    if let attempts {
      words += ["--max-attempts=\(attempts.most)", "--retry-delay=\(attempts.retryDelay.text)"]
    }
    return words
  }

  enum Extent {
    /// A pod that finds the queue drained is a success, too, so that a Job ends even if items went elsewhere.
    case oneItem
    case drain
    case forever

    fileprivate var arguments: [String] {
      switch self {
      case .oneItem: ["--when-empty=exit"]
      case .drain: ["--drain"]
      case .forever: ["--forever"]
      }
    }
  }
}

extension Duration {
  /// Whole seconds, rounded up: Kubernetes knows no others.
  package var wholeSeconds: Int { Int((self / .seconds(1)).rounded(.up)) }
}
