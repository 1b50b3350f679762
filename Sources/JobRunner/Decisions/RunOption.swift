/// The options of `amqp-job run` that a line for people may point to. They are named here alone, for a runner that was
/// called by a name of amqp-tools has none of them.
enum RunOption: String, CaseIterable {
  case anyQueue = "--any-queue"
  case assume = "--assume"
  case connectTimeout = "--connect-timeout"
  case drainTimeout = "--drain-timeout"
  case finishWindow = "--finish-window"
  case keepStandardError = "--keep-stderr"
  case maxItemSize = "--max-item-size"
  case onFailure = "--on-failure"
  case retryDelay = "--retry-delay"
  case spoolDirectory = "--spool-dir"
  case timeout = "--timeout"
}

extension JobOptions {
  /// ` (--option)`, to end a sentence with. Where the runner has no such option it ends in `otherwise`.
  func pointer(to option: RunOption, otherwise: String = "") -> String {
    report.namesOptions ? " (\(option.rawValue))" : otherwise
  }

  /// What the options are that ask for attempts.
  var whatAsksForAttempts: String {
    report.namesOptions ? "--max-attempts, --retry-delay and --reject-on need them" : "attempts need them"
  }

  /// Why a queue that `amqp-job declare` made is not served.
  var whyNoRetries: String {
    report.namesOptions
      ? "is one that 'amqp-job declare' made, with retries, and \(RunOption.onFailure.rawValue) is for others: go without; "
        + "--max-attempts 1 dead-letters an item that failed once"
      : "has retries, which were not wanted"
  }

  /// Why a queue whose items are not dead-lettered is not served.
  var whyNoDeadLetters: String {
    report.namesOptions
      ? "gets failed items back, and \(RunOption.keepStandardError.rawValue) is for dead letters: go without, or have 'amqp-job declare' "
        + "make the queue; one with a dead-letter exchange of its own takes --max-attempts, too"
      : "has no dead letters"
  }

  /// The advice to take a queue for what it is, after why it is refused.
  var orTakeIt: String {
    report.namesOptions ? "; \(RunOption.anyQueue.rawValue) serves it all the same" : ""
  }

  /// The advice to say what the queue is, after other advice.
  var orAssume: String { report.namesOptions ? ", or say what the queue is (\(RunOption.assume.rawValue))" : "" }
}
