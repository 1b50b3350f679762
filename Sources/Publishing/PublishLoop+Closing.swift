internal import AMQP
internal import Broker
internal import Linux

/// Closing: the broker's answer is waited for, so that its log has no warning of us.
extension PublishLoop {
  /// How long the broker may take to answer a close.
  static let closeLimit: Duration = .seconds(5)
  /// The same where somebody waits for our end.
  static let hurriedCloseLimit: Duration = .milliseconds(400)

  func endInquiry() {
    if let inquiry { closing.add(inquiry.link, limit: .now + Self.closeLimit) }
    inquiry = nil
  }

  /// Waits for the broker's answer, so that its log has no warning of us: it has confirmed what it was to confirm.
  func close(after end: Publication.End) throws {
    var limit = ContinuousClock.now + Self.closeLimit
    if case .signal = end { limit = .now + Self.hurriedCloseLimit }
    if let link { closing.add(link, limit: limit) }
    link = nil
    endInquiry()
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
