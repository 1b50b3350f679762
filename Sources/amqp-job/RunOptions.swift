import Arguments
import Broker
import JobRunner

/// The options of `amqp-job run`. Other commands share some of them.
extension Run {
  /// The options of a runner for which nothing is set. Each default stands there alone.
  static let defaults = JobOptions(brokers: [], queue: "")

  // MARK: What to take, and how to run it

  static let count = DefaultedOption("count", short: "n", .count(), default: 1) {
    "how many items to take (default \($0))"
  }.common
  static let drain = Flag("drain", "take items until the queue is drained")
  static let forever = Flag("forever", "take items until told to end").common
  /// Each worker needs a channel of the connection, and a slot of the guardian.
  static let parallelism = DefaultedOption(
    "parallelism", short: "j", .count("J", upTo: 1000), default: defaults.parallelism
  ) { "how many workers run side by side (default \($0))" }.common
  static let consumerPriority = DefaultedOption(
    "consumer-priority", .consumerPriority, default: defaults.consumerPriority
  ) { "how far before or behind other consumers items come here (default \($0))" }
  static let whenEmpty = DefaultedOption("when-empty", .choice, default: defaults.whenEmpty) {
    "wait for an item, or exit 0 once the queue is drained (default \($0))"
  }
  static let waitFirst = DefaultedOption("wait-first", .duration, default: defaults.waitFirst) {
    "grant a missing or empty queue this time at first (default \($0))"
  }
  static let drainTimeout = DefaultedOption("drain-timeout", .timeLimit, default: defaults.drainTimeout) {
    "how long the queue may take to be drained (default \($0): any time)"
  }
  static let timeout = DefaultedOption("timeout", .timeLimit, default: defaults.timeout) {
    "end a worker that takes longer over an item (default \($0): never)"
  }.common
  static let grace = DefaultedOption("grace", .duration, default: defaults.grace) {
    "time from TERM to KILL for a worker, 0 for none (default \($0))"
  }
  static let onTerm = Option<JobOptions.OnTerm>(
    "on-term", .choice, "stop workers, or let them end (default stop; --forever: finish)")
  static let feed = DefaultedOption("feed", .choice, default: Feed.stdin) { _ in
    "how a worker gets its item: as its input (default), in a file that WORK_ITEM_FILE names, or in its "
      + "arguments in the place of each {}"
  }
  static let assume = Option<AssumedQueue>(
    "assume", .choice,
    "what the queue is, instead of asking the broker: a durable one of that type, or what 'amqp-job declare' makes")
  static let anyQueue = Flag(
    "any-queue", "serve a queue that is not durable, or deletes itself, too: with it go its items")
  static let rawStatus = Flag("raw-status", "report a worker's status as it is, even 64 to 78 and 124 to 128")
  static let passEnvironment = Flag("pass-env", "hand the settings of amqp-job on to the worker")
  static let livenessFile = Option(
    "liveness-file", .text("PATH"), "keep this file fresh, for 'amqp-job check' to look at")

  // MARK: Failures

  static let retryDelay = DefaultedOption("retry-delay", .retryDelay, default: defaults.attempts.retryDelay) {
    "time until a failed item is retried, 0 for none (default \($0))"
  }
  static let maxAttempts = DefaultedOption(
    "max-attempts", .count("A", upTo: Int(Int32.max)), default: defaults.attempts.most
  ) { "attempts until it is dead-lettered (default \($0))" }
  static let rejectOn = Option("reject-on", .exitStatuses, "statuses to dead-letter at once, such as 2,65-70")
  static let keepStandardError = DefaultedOption("keep-stderr", .keptErrorSize, default: 0) {
    "keep so much of the end of a worker's standard error in its dead letter (default \($0): none; at most 64KiB)"
  }
  static let onFailure = Option<AttemptOptions.OnFailure>(
    "on-failure", .choice,
    "on any other queue: give a failed item back (the default), or reject it into the dead-letter exchange that the queue "
      + "has to have, else the broker drops it")

  // MARK: Faults

  static let onDisconnect = DefaultedOption("on-disconnect", .choice, default: defaults.onDisconnect) {
    "stop workers whose connection is lost, or let them end (default \($0))"
  }
  static let finishWindow = DefaultedOption("finish-window", .duration, default: defaults.finishWindow) {
    "time for their items to come back then, 0 for none (default \($0))"
  }
  static let spoolDirectory = Option("spool-dir", .text("DIR"), "where large items are kept (TMPDIR, or /tmp)")
  static let spoolAbove = DefaultedOption("spool-above", .size, default: Spooling.largestInMemory) {
    "largest item that is kept in memory (default \($0))"
  }
  static let maxItemSize = DefaultedOption("max-item-size", .size, default: 0) {
    "largest item that is taken; a larger one is dead-lettered, or goes to the queue's tail (default \($0): any size)"
  }

  // MARK: In the help

  static let groups = [
    OptionGroup(
      "Options",
      [
        QueueName.option, count, drain.common, forever, parallelism, consumerPriority, whenEmpty, waitFirst,
        drainTimeout,
        timeout, grace, onTerm, feed, assume, anyQueue, rawStatus, passEnvironment, livenessFile,
      ]),
    OptionGroup(
      "Failures (on a queue that 'amqp-job declare' made)",
      [retryDelay.common, maxAttempts.common, rejectOn, keepStandardError, onFailure]),
    OptionGroup("Faults", [onDisconnect, finishWindow, spoolDirectory, spoolAbove, maxItemSize]),
    BrokerOptions.group, LogOptions.group(verbose: "every item and every step"),
  ]
}

extension ValueType where Value == Int32 {
  fileprivate static var consumerPriority: Self {
    Self("N", expected: "a whole number, which may be negative") { Int32($0) }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var retryDelay: Self { duration.limited("is at most 49 days") { $0 <= .maxBrokerTime } }
}

extension ValueType where Value == Int {
  /// The kept text shares a frame with the item's own headers, and a frame has 128 KiB.
  fileprivate static var keptErrorSize: Self { size.limited("is at most 64KiB") { $0 <= 64 << 10 } }
}
