internal import Console

/// What the runner advises a user to do, in terms of its options.
extension Advice {
  static let countingAttempts: Advice = "\(.maxAttempts), \(.retryDelay) and \(.rejectOn) need them"

  /// For a queue that is refused because it may be lost.
  static let acceptingAnyQueue: Advice = "; \(.anyQueue) serves it all the same"

  /// The same for a queue that deletes itself, and a runner that would have to see it drained.
  static let acceptingSelfDeletion: Advice = """
    ; \(.anyQueue) serves it all the same, but cannot see it drained: take a number of items (\(.count)), or serve it until a signal \
    (\(.forever))
    """

  /// For a queue about which the broker tells the user too little. It follows other advice.
  static let assumingType: Advice = ", or say what the queue is (\(.assume))"
}

extension LogMessage {
  /// Why a queue that `amqp-job declare` made is not served.
  static var unwantedRetries: LogMessage {
    let advice: Advice = """
      was made by 'amqp-job declare', with retries, and \(.onFailure) is for other queues: leave it out; \(.maxAttempts) 1 \
      dead-letters an item that failed once
      """
    return "\(advice, otherwise: "has retries, which were not wanted")"
  }

  /// Why a queue without a dead-letter queue is not served with this setting. `anew` says how to make it with one.
  static func missingDeadLetters(_ anew: String, for setting: SettingName) -> LogMessage {
    let advice: Advice = """
      has no retry and dead-letter queue, as \(setting) needs them: go without, or \(anew)
      """
    return "\(advice, otherwise: "has no dead-letter queue")"
  }

  /// Why a queue is not served whose items the broker alone would dead-letter.
  static var deadLettersOfOthers: LogMessage {
    let advice: Advice = """
      has a dead-letter exchange of its own, to which the runner publishes failed items only if their attempts are limited: \
      give \(.maxAttempts), too, or leave out \(.keepStandardError)
      """
    return "\(advice, otherwise: "has a dead-letter exchange of its own")"
  }
}
