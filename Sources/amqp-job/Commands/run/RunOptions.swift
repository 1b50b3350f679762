import Arguments
import Broker
import JobRunner

/// The options of `amqp-job run`. Other commands share some of them.
extension Run {
  /// The options of a runner for which nothing is set. Each default stands there alone.
  static let defaults = JobOptions(brokers: [], queue: "")

  // MARK: What to take, and how to run it

  static let count = DefaultedOption("count", short: "n", .count(), default: 1) {
    "number of items to take (default \($0))"
  }.common.known(as: "number", "items", "max-items", "messages")
  static let drain = Flag("drain", "take items until the queue is drained")
  static let forever = Flag("forever", "take items until a signal ends the runner").common
  /// Each worker needs a channel of the connection, and a slot of the guardian.
  static let parallelism = DefaultedOption(
    "parallelism", short: "j", .count("J", upTo: 1000), default: defaults.parallelism
  ) { "number of workers at the same time (default \($0))" }.common
    .known(as: "concurrency", "workers", "jobs", "max-procs", "threads", "processes", "prefetch", "prefetch-count")
  static let consumerPriority = DefaultedOption(
    "consumer-priority", .consumerPriority, default: defaults.consumerPriority
  ) { "priority among the consumers of the queue; a higher one gets items first (default \($0))" }
  static let whenEmpty = DefaultedOption("when-empty", .choice, default: defaults.whenEmpty) {
    "wait for an item, or exit 0 once the queue is drained (default \($0))"
  }
  static let waitFirst = DefaultedOption("wait-first", .duration, default: defaults.waitFirst) {
    "how long to wait at first for a queue that is missing or empty (default \($0))"
  }
  static let drainTimeout = DefaultedOption("drain-timeout", .timeLimit, default: defaults.drainTimeout) {
    "maximum time until the queue is drained (default \($0): no limit)"
  }
  static let timeout = DefaultedOption("timeout", .timeLimit, default: defaults.worker.timeout) {
    "stop a worker that takes longer than this over an item (default \($0): never)"
  }.common
  static let grace = DefaultedOption("grace", .duration, default: defaults.worker.grace) {
    "time from TERM to KILL for a worker, 0 for none (default \($0))"
  }
  static let onTerm = Option<JobOptions.OnTerm>(
    "on-term", .choice, "on TERM, stop the workers or let them finish (default stop; with \(forever): finish)")
  static let feed = DefaultedOption("feed", .choice, default: Feed.stdin) { _ in
    "how a worker gets its item: on standard input (the default), in the file that WORK_ITEM_FILE names, or in "
      + "place of each {} in its arguments; items of a batch: as lines, as lines of JSON, or in the directory WORK_ITEM_DIR"
  }
  static let assume = Option<AssumedQueue>(
    "assume", .choice,
    "what the queue is, so that the broker is not asked: a durable queue of that type, or one that 'amqp-job declare' made"
  )
  static let anyQueue = Flag(
    "any-queue", "also serve a queue that is not durable or that deletes itself, although its items are lost with it")
  static let rawStatus = Flag("raw-status", "report a worker's status unchanged, even 64 to 78 and 124 to 128")
  static let passEnvironment = Flag("pass-env", "pass the settings of amqp-job on to the worker")
  static let livenessFile = Option(
    "liveness-file", .text("PATH"), "keep this file up to date for 'amqp-job check'")

  static let jobLog = Option(
    "joblog", .setting("FILE"), "append a line for each item to this file, in the columns of GNU parallel's --joblog")

  static let output = DefaultedOption("output", .output, default: OutputChoice.inherit) { _ in
    "where the command's own output goes: as it is to the runner's (the default), there in whole lines with the item's id, "
      + "as JSON lines, or into files for each item in a directory that exists, such as ./output"
  }
  static let progress = Flag("progress", "with \(count) or \(drain): show the progress on standard error")

  // MARK: Results

  static let resultQueue = Option(
    "result-queue", .setting("Q|reply-to"),
    "publish what the worker writes to this queue, or to the one that the item names, before the item is acked")
  static let resultOn = DefaultedOption("result-on", .choice, default: ResultOptions.Occasion.all) {
    "whose results to publish: of success, of failure that is not retried, or all (default \($0))"
  }
  static let resultMax = DefaultedOption("result-max", .size, default: 16 << 20) {
    "maximum size of a result, 0 for no limit; the attempt fails above it (default \($0))"
  }

  // MARK: Steps

  static let step = RepeatableOption(
    "step", .stepName,
    "hand each item to this step, an 'amqp-job step' in another container, and its output to the next")
  static let stepDirectory = DefaultedOption("step-dir", .text("DIR"), default: "/run/amqp-job") {
    "directory of the steps' sockets, each NAME.sock (default \($0))"
  }

  // MARK: Failures

  static let retryDelay = DefaultedOption("retry-delay", .retryDelay, default: defaults.attempts.retryDelay) {
    "time until a failed item is retried, 0 for none (default \($0))"
  }.known(as: "delay", "retry-interval", "retry-after")
  static let maxAttempts = DefaultedOption(
    "max-attempts", .count("A", upTo: Int(Int32.max)), default: defaults.attempts.maxAttempts
  ) { "attempts before dead-lettering (default \($0))" }.known(as: "max-retries", "retries", "tries", "backoff-limit")
  static let rejectOn = Option(
    "reject-on", .workerStatuses, "worker statuses that dead-letter an item at once, such as 2,65-70")
  static let maxItemAge = DefaultedOption("max-item-age", .timeLimit, default: defaults.attempts.maxAge) {
    "dead-letter an item that is older than this when it comes, by its timestamp (default \($0): never)"
  }.known(as: "max-age")
  static let keepStandardError = DefaultedOption("keep-stderr", .keptErrorSize, default: 0) {
    "keep this much of the end of a worker's standard error in the dead letter (default \($0): none; at most 64KiB)"
  }
  static let onFailure = Option<AttemptOptions.OnFailure>(
    "on-failure", .choice,
    "on any other queue: requeue a failed item (the default), or reject it into the dead-letter exchange that the queue "
      + "must have, else the broker drops it")

  // MARK: Faults

  static let onDisconnect = DefaultedOption("on-disconnect", .choice, default: defaults.worker.onDisconnect) {
    "when the connection is lost, stop the workers or let them finish (default \($0))"
  }
  static let finishWindow = DefaultedOption("finish-window", .duration, default: defaults.worker.finishWindow) {
    "how long their items may then take to come back, 0 for none (default \($0))"
  }
  static let spoolDirectory = Option("spool-dir", .text("DIR"), "directory for large items (default TMPDIR, or /tmp)")
  static let spoolAbove = DefaultedOption("spool-above", .size, default: Spooling.largestInMemory) {
    "size above which an item is kept in a file, not in memory (default \($0))"
  }
  static let maxItemSize = DefaultedOption("max-item-size", .size, default: 0) {
    "maximum size of an item; a larger one is dead-lettered, or goes to the queue's tail (default \($0): no limit)"
  }

  // MARK: In the help

  static let groups = [
    OptionGroup(
      "Options",
      [
        QueueName.option, count, drain.common, forever, parallelism, consumerPriority, whenEmpty, waitFirst,
        drainTimeout,
        timeout, grace, onTerm, feed, batch, batchWait, assume, anyQueue, rawStatus, passEnvironment, livenessFile,
        jobLog, output, progress, MetricsOption.address, deletionCost,
      ]),
    OptionGroup("Results", [resultQueue, resultOn, resultMax]),
    OptionGroup("Steps", [step, stepDirectory]),
    OptionGroup(
      "Failures (on a queue that 'amqp-job declare' made)",
      [
        retryDelay.common, retryBackoff, retryMax, retryJitter, maxAttempts.common, rejectOn, maxItemAge,
        keepStandardError, onFailure,
      ]),
    OptionGroup("Faults", [onDisconnect, finishWindow, spoolDirectory, spoolAbove, maxItemSize]),
    BrokerOptions.group, LogOptions.group(verbose: "every item and every step"),
  ]
}

extension ValueType where Value == Int32 {
  fileprivate static var consumerPriority: Self {
    Self("N", expected: "a whole number, which may be negative") { Int32($0) }
  }
}

extension ValueType where Value == String {
  fileprivate static var stepName: Self {
    name("NAME")
      .limited("is a step's name, or the path of its socket") { !$0.isEmpty && !$0.hasSuffix("/") }
      .limited("names one step; several need the option for each, as in --step cut --step peel") { word in
        word.contains("/") || !word.contains { $0 == "," || $0.isWhitespace }
      }
  }
}

extension ValueType where Value == Int {
  /// The kept text shares a frame with the item's own headers, and a frame has 128 KiB.
  fileprivate static var keptErrorSize: Self { size.limited("is at most 64KiB") { $0 <= 64 << 10 } }
}
