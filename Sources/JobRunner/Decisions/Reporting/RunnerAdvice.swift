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
      was made by 'amqp-job declare', with retries, and \(.onFailure) is for other queues: leave it out; \(.maxAttempts) 1 \
      dead-letters an item that failed once
      """
    return "\(advice, otherwise: "has retries, which were not wanted")"
  }

  /// Why a queue whose items are not dead-lettered is not served.
  static var missingDeadLetters: LogMessage {
    let advice: Advice = """
      has no dead letters, in which \(.keepStandardError) would keep anything: leave it out, or have 'amqp-job declare' make \
      the queue; a queue with a dead-letter exchange of its own needs \(.maxAttempts), too
      """
    return "\(advice, otherwise: "has no dead letters")"
  }
}
