import Arguments

/// What `status` is asked for.
enum StatusTask: Hashable {
  case show
  /// Shows as JSON what two looks, this far apart, and a job log say.
  case showRates(over: Duration)
  /// A test whether the queues are drained now.
  case checkDrained
  /// Shows the figures until a signal comes.
  case watch(every: Duration)
  /// Waits until the queues are drained, and shows the figures meanwhile if `isShown`. `limit` is nil for a wait without a limit.
  case waitUntilDrained(limit: Duration?, every: Duration, isShown: Bool)

  /// - Throws: `UsageError` for options that do not go together
  init(_ settings: inout Settings) throws {
    let isJSON = try settings.value(Status.json)
    let interval = try settings.value(Status.interval)
    let isWatching = try settings.value(Status.watch)
    let isWaiting = try settings.value(Status.until) == .drained
    let limit = try settings.value(Status.drainTimeout)
    let hasLog = try settings.value(Status.jobLog) != nil
    guard isWatching || isJSON || !settings.isGiven(Status.jobLog) else {
      throw UsageError("\(Status.jobLog) goes with \(Status.watch) or \(Status.json)")
    }
    guard isWatching || isWaiting || isJSON && hasLog || !settings.isGiven(Status.interval) else {
      throw UsageError("\(Status.interval) goes with \(Status.watch) or \(Status.until)")
    }
    guard isWaiting || !settings.isGiven(Status.drainTimeout) else {
      throw UsageError("\(Status.drainTimeout) goes with \(Status.until)")
    }
    guard isWatching || !isWaiting || !isJSON else {
      throw UsageError(
        "\(settings.naming(Status.until)) shows \(settings.naming(Status.json)) only with \(Status.watch)")
    }
    let isChecking = try settings.value(Status.drained)
    guard !(isChecking && (isWatching || isWaiting || isJSON)) else {
      let others =
        "\(settings.naming(Status.watch)), \(settings.naming(Status.until)) and \(settings.naming(Status.json))"
      throw UsageError("\(settings.naming(Status.drained)) goes with none of \(others)")
    }
    if isChecking {
      self = .checkDrained
    } else if isWaiting {
      self = .waitUntilDrained(limit: limit, every: interval, isShown: isWatching)
    } else {
      self = isWatching ? .watch(every: interval) : isJSON && hasLog ? .showRates(over: interval) : .show
    }
  }
}
