import Arguments
import Broker
import JobRunner

/// Makes the runner's options from those of `amqp-job run`.
extension Run {
  /// - Throws: `UsageError`
  static func jobOptions(_ settings: inout Settings, _ broker: BrokerOptions) throws -> JobOptions {
    var options = JobOptions(brokers: broker.access.brokers, queue: try QueueName.resolved(&settings))
    options.connection.credentialsMayChange = broker.access.mayLoginChange
    options.connection.connectTimeout = broker.connectTimeout
    return try jobOptions(&settings, options)
  }

  /// `options` has the broker and the queue, and gets all else.
  /// - Throws: `UsageError`
  static func jobOptions(_ settings: inout Settings, _ options: JobOptions) throws -> JobOptions {
    var options = options
    options.parallelism = try settings.value(parallelism)
    options.consumerPriority = try settings.value(consumerPriority)
    try setExtent(&options, &settings)
    options.worker.timeout = try settings.value(timeout)
    options.worker.grace = try settings.value(grace)
    options.worker.onTerm = try settings.value(onTerm)
    options.worker.onDisconnect = try settings.value(onDisconnect)
    options.worker.finishWindow = try settings.value(finishWindow)
    if options.worker.onDisconnect == .stop {
      try refuseAlone([finishWindow], without: "\(onDisconnect) finish", settings)
    }
    options.worker.rawStatus = try settings.value(rawStatus)
    options.attempts = try attempts(&settings)
    if let backoff = options.attempts.backoff {
      _ = try QueueName.family(options.queue, retryLevels: backoff.levelCount)
    }
    try setQueueKind(&options, &settings)
    options.results = try results(&settings, options)
    return options
  }

  private static func setExtent(_ options: inout JobOptions, _ settings: inout Settings) throws {
    options.extent = try extent(&settings)
    if let whenEmpty = try settings.valueIfSet(whenEmpty) {
      guard case .count = options.extent else {
        throw UsageError("\(settings.naming(Self.whenEmpty)) goes with \(count)")
      }
      options.whenEmpty = whenEmpty
    }
    options.waitFirst = try settings.value(waitFirst)
    options.drainTimeout = try settings.value(drainTimeout)
    guard options.drainTimeout == nil || options.endsWhenDrained else {
      throw UsageError("\(settings.naming(drainTimeout)) goes with \(drain), or \(whenEmpty) exit")
    }
  }

  private static func extent(_ settings: inout Settings) throws -> JobOptions.Extent {
    // An option outweighs the variable of another option that it excludes.
    let options: [any CommandOption] = [count, drain, forever]
    let given = Set(options.filter { settings.isGiven($0) }.map(\.name))
    func counts(_ option: some CommandOption) -> Bool { given.isEmpty || given.contains(option.name) }
    let itemCount = counts(count) ? try settings.valueIfSet(count) : nil
    let drains = counts(drain) ? try settings.value(drain) : false
    let isEndless = counts(forever) ? try settings.value(forever) : false
    guard [itemCount != nil, drains, isEndless].count(where: { $0 }) <= 1 else {
      throw UsageError(
        "\(settings.naming(count)), \(settings.naming(drain)) and \(settings.naming(forever)) exclude each other")
    }
    return drains ? .drain : isEndless ? .forever : .count(itemCount ?? count.defaultValue)
  }

  private static func setQueueKind(_ options: inout JobOptions, _ settings: inout Settings) throws {
    options.assumed = try settings.value(assume)?.standing
    if try settings.value(anyQueue) {
      guard options.assumed == nil else {
        throw UsageError(
          "\(settings.naming(anyQueue)) and \(settings.naming(assume)) exclude each other: what is assumed is a durable queue that "
            + "stays")
      }
      options.queueOrigin = .anyTold
    }
    guard !options.assumesNoDeadLetters || options.attempts.maxAge == nil else {
      throw UsageError(
        "\(settings.naming(maxItemAge)) dead-letters items, but the queue has no dead letters if \(settings.naming(assume)) is right"
      )
    }
    guard options.attempts.onFailure == nil || options.assumed != .declared else {
      throw UsageError(
        "\(settings.naming(onFailure)) is for queues without retries, and \(settings.naming(assume)) says 'declared'")
    }
  }

  private static func results(_ settings: inout Settings, _ options: JobOptions) throws -> ResultOptions? {
    guard let target = try resultTarget(&settings, queue: options.queue) else { return nil }
    let occasion = try settings.value(resultOn)
    let maxSize = try settings.value(resultMax)
    guard options.worker.onDisconnect == .stop else {
      throw UsageError("\(resultQueue) excludes \(onDisconnect) finish: a result needs the connection of its item")
    }
    return ResultOptions(
      target == replyTo ? .replyTo : .queue(target), on: occasion, maxSize: maxSize == 0 ? .max : UInt64(maxSize))
  }

  /// The value for which each result goes to the queue that its item names.
  private static let replyTo = "reply-to"

  /// The queue that the results go to, or `replyTo`. nil if there are none.
  /// - Throws: `UsageError`
  static func resultTarget(_ settings: inout Settings, queue: String) throws -> String? {
    guard let target = try settings.value(resultQueue).map(QueueName.checked) else {
      try refuseAlone([resultOn, resultMax], without: resultQueue.description, settings)
      return nil
    }
    guard WorkQueue(target).family != WorkQueue(queue).family else {
      throw UsageError("\(resultQueue) is the queue that the items come from, or one that belongs to it")
    }
    return target
  }

  /// Refuses an option that does nothing without another one. The same in a variable may be meant for other runners.
  static func refuseAlone(
    _ options: [any CommandOption], without other: String, _ settings: Settings
  ) throws {
    if let option = options.first(where: { settings.isGiven($0) }) {
      throw UsageError("\(option.description) goes with \(other)")
    }
  }

  static func attempts(_ settings: inout Settings) throws -> AttemptOptions {
    var options = AttemptOptions()
    let most = try settings.valueIfSet(maxAttempts)
    let delay = try settings.valueIfSet(retryDelay)
    let rejected = try settings.value(rejectOn)
    options.backoff = try backoff(&settings)
    if let backoff = options.backoff { options.retryJitter = try jitter(&settings, backoff) }
    options.needRetryQueue = delay != nil || options.backoff != nil
    options.areRequired = most != nil || options.needRetryQueue || rejected != nil
    options.maxAttempts = most ?? options.maxAttempts
    options.retryDelay = delay ?? options.retryDelay
    options.rejectedStatuses = rejected?.codes ?? []
    options.maxAge = try settings.value(maxItemAge)
    options.onFailure = try settings.value(onFailure)
    guard options.onFailure == nil || !options.areRequired else {
      let counting = [
        most.map { _ in settings.naming(maxAttempts) }, delay.map { _ in settings.naming(retryDelay) },
        options.backoff.map { _ in settings.naming(retryBackoff) }, rejected.map { _ in settings.naming(rejectOn) },
      ]
      .compactMap(\.self).joined(separator: ", ")
      throw UsageError(
        "\(settings.naming(onFailure)) excludes \(counting): attempts are counted for queues with retries only")
    }
    return options
  }

  /// The number of bytes of standard error to keep, or nil for none.
  /// - Throws: `UsageError` if no dead letter could hold them
  static func keptErrorSize(_ settings: inout Settings, _ options: inout JobOptions) throws -> Int? {
    let size = try settings.value(keepStandardError)
    guard size > 0 else { return nil }
    guard options.attempts.onFailure == nil else {
      throw UsageError(
        "\(settings.naming(keepStandardError)) goes into dead letters that amqp-job publishes, but with "
          + "\(settings.naming(onFailure)) it publishes none")
    }
    if options.assumesNoDeadLetters {
      throw UsageError(
        "\(settings.naming(keepStandardError)) goes into dead letters, but the queue has none if \(settings.naming(assume)) is right"
      )
    }
    options.attempts.keepsStandardError = true
    return size
  }
}

extension JobOptions {
  fileprivate var assumesNoDeadLetters: Bool { if case .plain? = assumed { true } else { false } }
}
