internal import Console

/// The options of `amqp-job run` in the pods.
package struct RunOptions: Hashable, Sendable {
  /// What the runner does with a running worker on TERM.
  package enum OnTerm: String, Hashable, Sendable, CaseIterable {
    case stop
    case finish
  }

  package struct Attempts: Hashable, Sendable {
    package var max: Int
    /// nil where there is no retry queue for a delay.
    package var retryDelay: Duration?
    /// nil where the delay does not grow.
    package var backoff: Backoff?

    package init(max: Int, retryDelay: Duration?, backoff: Backoff? = nil) {
      (self.max, self.retryDelay, self.backoff) = (max, retryDelay, backoff)
    }

    fileprivate var arguments: [String] {
      let delay = retryDelay.map { ["--retry-delay=\($0.text)"] } ?? []
      return ["--max-attempts=\(max)"] + delay + (backoff?.arguments ?? [])
    }
  }

  /// How the delay grows.
  package struct Backoff: Hashable, Sendable {
    package var factor: Double
    /// nil means the default of the runner, as for the jitter.
    package var maxDelay: Duration?
    package var jitter: Double?

    package init(factor: Double, maxDelay: Duration?, jitter: Double?) {
      (self.factor, self.maxDelay, self.jitter) = (factor, maxDelay, jitter)
    }

    fileprivate var arguments: [String] {
      [
        "--retry-backoff=\(factor.text)", maxDelay.map { "--retry-max=\($0.text)" },
        jitter.map { "--retry-jitter=\($0.text)" },
      ].compactMap(\.self)
    }
  }

  /// What becomes of what the workers write.
  package struct Results: Hashable, Sendable {
    /// The queue that the results go to, or `reply-to`.
    package var queue: String
    /// nil means the default of the runner, as for the size.
    package var occasion: String?
    package var maxSize: String?

    package init(queue: String, occasion: String?, maxSize: String?) {
      (self.queue, self.occasion, self.maxSize) = (queue, occasion, maxSize)
    }

    fileprivate var arguments: [String] {
      ["--result-queue=\(queue)", occasion.map { "--result-on=\($0)" }, maxSize.map { "--result-max=\($0)" }]
        .compactMap(\.self)
    }
  }

  /// How a worker gets its items.
  package struct Feeding: Hashable, Sendable {
    /// The value of the option `--feed`.
    package var feed: String
    /// nil means one item at a time.
    package var batch: Int?
    /// nil means the default of the runner.
    package var batchWait: Duration?

    package init(feed: String, batch: Int?, batchWait: Duration?) {
      (self.feed, self.batch, self.batchWait) = (feed, batch, batchWait)
    }

    fileprivate var arguments: [String] {
      ["--feed=\(feed)", batch.map { "--batch=\($0)" }, batchWait.map { "--batch-wait=\($0.text)" }].compactMap(\.self)
    }
  }

  /// The maximum time that the runner takes to settle an item.
  static let maxSettlingTime = Duration.seconds(5)
  /// The additional time in which the pod can end by itself before it is killed.
  private static let margin = Duration.seconds(5)

  /// The default of `waitFirst` for objects whose queue may be declared and filled after the pods have started.
  package static let defaultWaitFirst = Duration.seconds(60)

  /// How long the runner waits for a queue that is missing or empty. nil means the default of the kind of object, which is
  /// `defaultWaitFirst`, or zero if the pods are only for items that are already in the queue.
  package var waitFirst: Duration?
  package var timeout: Duration?
  package var grace: Duration
  /// nil means the default of the runner: it lets a worker finish only with `--forever`.
  package var onTerm: OnTerm?
  /// nil means that the queue has no retry queue and no dead-letter queue.
  package var attempts: Attempts?
  /// How old an item may be; nil for any age.
  package var maxItemAge: Duration?
  /// nil means that nothing is published of what the workers write.
  package var results: Results?
  /// nil means the default of the runner, one item at a time on standard input.
  package var feeding: Feeding?

  package init(grace: Duration) { self.grace = grace }

  /// The time from TERM to the end of the runner if its worker takes as long as it may, plus a margin. nil if that time is
  /// unlimited. `finishes` is whether the worker may finish its item.
  func terminationGracePeriod(finishes: Bool) -> Duration? {
    let stopping = grace + Self.maxSettlingTime + Self.margin
    return finishes ? timeout.map { $0 + stopping } : stopping
  }

  /// The arguments of `amqp-job run`. `defaultWaitFirst` replaces a `waitFirst` that is nil.
  package func arguments(_ mode: Mode, defaultWaitFirst: Duration) -> [String] {
    var words = ["--wait-first=\((waitFirst ?? defaultWaitFirst).text)"] + mode.arguments
    if let timeout { words.append("--timeout=\(timeout.text)") }
    words.append("--grace=\(grace.text)")
    if let onTerm { words.append("--on-term=\(onTerm.rawValue)") }
    words += attempts?.arguments ?? []
    if let maxItemAge { words.append("--max-item-age=\(maxItemAge.text)") }
    return words + (results?.arguments ?? []) + (feeding?.arguments ?? [])
  }

  /// How many items a pod takes.
  package enum Mode: Hashable, Sendable {
    /// One item. A pod that finds the queue drained succeeds as well, so that a Job completes even if its items were taken
    /// elsewhere.
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
  /// The duration in whole seconds, rounded up. Kubernetes does not accept fractions.
  package var wholeSeconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) + (attoseconds > 0 ? 1 : 0)
  }
}
