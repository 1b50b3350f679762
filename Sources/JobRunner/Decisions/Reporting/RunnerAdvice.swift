internal import Console

/// What the runner advises a user to do, in terms of its options.
extension Advice {
  static let countingAttempts: Advice = "\(.maxAttempts), \(.retryDelay) and \(.rejectOn) need them"

  /// For a queue that is refused because it may not be durable.
  static let acceptingAnyQueue: Advice = "; \(.anyQueue) serves it all the same"

  /// For a queue about which the broker tells the user too little. It follows other advice.
  static let assumingType: Advice = ", or say what the queue is (\(.assume))"
}

extension LogMessage {
  /// Why a queue that `amqp-job declare` made is not served.
  static var unwantedRetries: LogMessage {
    let advice: Advice = """
      is one that 'amqp-job declare' made, with retries, and \(.onFailure) is for others: go without; \(.maxAttempts) 1 \
      dead-letters an item that failed once
      """
    return "\(advice, otherwise: "has retries, which were not wanted")"
  }

  /// Why a queue whose items are not dead-lettered is not served.
  static var missingDeadLetters: LogMessage {
    let advice: Advice = """
      gets failed items back, and \(.keepStandardError) is for dead letters: go without, or have 'amqp-job declare' make \
      the queue; one with a dead-letter exchange of its own takes \(.maxAttempts), too
      """
    return "\(advice, otherwise: "has no dead letters")"
  }
}
