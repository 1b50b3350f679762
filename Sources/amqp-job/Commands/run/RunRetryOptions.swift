import Arguments
import Broker
import Console
import JobRunner

/// The options for a delay that grows with an item's attempts. `declare` and `manifest` share them.
extension Run {
  static let retryBackoff = Option(
    "retry-backoff", .backoffFactor,
    "the next delay is so many times as long, in retry queues that 'amqp-job declare' makes with the same option"
  ).known(as: "backoff", "exponential-backoff", "backoff-multiplier", "backoff-factor")
  static let retryMax = DefaultedOption("retry-max", .retryDelay, default: .seconds(600)) {
    "the longest delay with \(retryBackoff) (default \($0))"
  }.known(as: "max-delay", "max-backoff", "retry-backoff-max", "backoff-max")
  static let retryJitter = DefaultedOption("retry-jitter", .share, default: defaults.attempts.retryJitter) {
    "with \(retryBackoff), lengthen or shorten each delay at random by up to this share of it (default \($0))"
  }.known(as: "jitter")

  /// How the delay grows, which is nil if it does not.
  /// - Throws: `UsageError`
  static func backoff(_ settings: inout Settings) throws -> RetryBackoff? {
    guard let factor = try settings.value(retryBackoff) else {
      try refuseAlone([retryMax, retryJitter], without: retryBackoff.description, settings)
      return nil
    }
    let (delay, max) = (try settings.value(retryDelay), try settings.value(retryMax))
    guard delay > .zero else {
      throw UsageError("\(settings.naming(retryBackoff)) needs a \(settings.naming(retryDelay)) above 0")
    }
    guard max >= delay else {
      throw UsageError(
        "\(settings.naming(retryDelay)) \(delay.text) is longer than \(settings.naming(retryMax)), which is \(max.text)"
      )
    }
    guard let backoff = RetryBackoff(first: delay, factor: factor, max: max) else {
      throw UsageError(
        "\(settings.naming(retryBackoff)) \(factor.text) takes more than \(WorkQueue.maxRetryLevel) delays from \(delay.text) to "
          + "\(max.text), and each needs a queue of its own: use a larger one, or a shorter \(settings.naming(retryMax))"
      )
    }
    return backoff
  }

  /// The share of a growing delay by which it varies.
  /// - Throws: `UsageError` if the longest delay would be too long for a broker
  static func jitter(_ settings: inout Settings, _ backoff: RetryBackoff) throws -> Double {
    let jitter = try settings.value(retryJitter)
    guard backoff.delay(ofLevel: backoff.levelCount, jitter: jitter, random: 1) <= .maxBrokerTime else {
      throw UsageError("\(settings.naming(retryMax)) with \(settings.naming(retryJitter)) is at most 49 days")
    }
    return jitter
  }
}

extension ValueType where Value == Duration {
  static var retryDelay: Self { duration.limited("is at most 49 days") { $0 <= .maxBrokerTime } }
}

extension ValueType where Value == Double {
  fileprivate static var backoffFactor: Self {
    Self("FACTOR", expected: "a number from 1, such as 2 or 1.5", parse: { read($0, in: 1...1000) }, text: { $0.text })
  }

  fileprivate static var share: Self {
    Self("SHARE", expected: "a number from 0 to 1, such as 0.1", parse: { read($0, in: 0...1) }, text: { $0.text })
  }

  /// nil for text that is no number of the range.
  private static func read(_ text: String, in range: ClosedRange<Double>) -> Double? {
    Double(text).flatMap { range.contains($0) ? $0 : nil }
  }
}
