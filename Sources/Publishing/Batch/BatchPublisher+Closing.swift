internal import Broker
internal import Linux

/// Closes the connections cleanly, so that the broker does not log a warning about a client that just vanished.
extension BatchPublisher {
  /// The maximum time for the broker's answer to a close.
  static let closeLimit: Duration = .seconds(5)
  /// The same limit when a signal asks the program to end.
  static let hurriedCloseLimit: Duration = .milliseconds(400)

  /// Waits for the broker's answers to the closes. All confirmations have been received before.
  func close(after end: Publication.End) throws(SystemError) {
    var limit = ContinuousClock.now + Self.closeLimit
    if case .signal = end { limit = .now + Self.hurriedCloseLimit }
    if let channel { closing.add(channel.link, limit: limit) }
    channel = nil
    while !closing.isEmpty, ContinuousClock.now < limit {
      let readiness = try poll(
        [signals.interest] + closing.interests, until: [limit, closing.deadline].compactMap(\.self).min())
      if readiness[0].readable, signals.receive().contains(where: { $0 != .child }) {
        limit = min(limit, .now + Self.hurriedCloseLimit)
      }
      closing.process(readiness[1...], now: .now)
    }
  }
}
