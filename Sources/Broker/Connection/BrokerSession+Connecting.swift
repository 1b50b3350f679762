package import AMQP
package import Linux

/// Connects to a broker, and lets signals interrupt the wait.
extension BrokerSession {
  /// News for a user who waits for a connection.
  package enum Notice: Hashable, Sendable {
    /// No broker can be reached. The failure is that of the last one. They are tried again.
    case unreachable(BrokerFailure)
    /// The broker has not answered so far.
    case unanswered(BrokerURL)
  }

  /// A wait that ends within this time needs no message of its own.
  package static let shortWait: Duration = .seconds(3)

  /// Connects to the first broker that can be reached. The brokers are tried in turn, with pauses, for `timeout`. If
  /// `signals` are given, each of them interrupts every wait of the session. `notify` is called at most once for each
  /// kind of news: when a wait will take long, and when a broker has not answered within `patience`. Throws
  /// `SessionError.connection` or `.stopped`.
  package static func connect(
    to access: BrokerAccess, timeout: Duration, heartbeat: UInt16, name: String,
    maxBodySizeInMemory: Int = .max, signals: SignalReceiver? = nil, patience: Duration? = nil,
    notify: @escaping (Notice) -> Void = { _ in }
  ) throws(SessionError) -> BrokerSession {
    let deadline = ContinuousClock.now + timeout
    // A pause that would be longer than the rest of the time is cut, so that one attempt is near its end.
    let lastStart = deadline - min(.seconds(1), timeout / 4)
    var waiting = patience.map { Wait(end: .now + $0, notify: notify) }
    var isTold = false
    var backOff = BackOff()
    var attempt = 0
    while true {
      let brokers = access.current()
      let broker = brokers[attempt % brokers.count]
      // A silent broker must leave time for the others.
      let untried = max(1, brokers.count - attempt)
      let limit = ContinuousClock.now + ContinuousClock.now.duration(to: deadline) / untried
      do {
        return try connect(
          to: broker, heartbeat: heartbeat, name: name, access: access, maxBodySizeInMemory: maxBodySizeInMemory,
          until: limit, signals: signals, waiting: &waiting)
      } catch .connection(let failure) where failure.kind == .unreachable {
        attempt += 1
        guard attempt % brokers.count == 0 else { continue }
        guard ContinuousClock.now < lastStart else { throw .connection(failure) }
        let next = min(ContinuousClock.now + backOff.pause(jitter: .random(in: 0...1)), lastStart)
        if !isTold, ContinuousClock.now + shortWait < deadline {
          (isTold, waiting) = (true, nil)
          notify(.unreachable(failure))
        }
        try pause(until: next, signals)
      }
    }
  }

  /// Makes one attempt to connect, which `BrokerLink.loginLimit` limits. Throws `SessionError.connection`.
  package static func connect(
    to broker: BrokerURL, heartbeat: UInt16, name: String, access: BrokerAccess? = nil, maxBodySizeInMemory: Int = .max
  ) throws(SessionError) -> BrokerSession {
    var waiting: Wait?
    return try connect(
      to: broker, heartbeat: heartbeat, name: name, access: access, maxBodySizeInMemory: maxBodySizeInMemory,
      until: nil,
      signals: nil, waiting: &waiting)
  }

  /// Waits until the deadline. Throws `SessionError.stopped` if one of the signals arrives.
  package static func pause(until deadline: ContinuousClock.Instant, _ signals: SignalReceiver?) throws(SessionError) {
    while ContinuousClock.now < deadline {
      let readiness = try poll([signals?.interest], until: deadline)
      if readiness.first?.readable == true { try stop(by: signals) }
    }
  }

  static func stop(by signals: SignalReceiver?) throws(SessionError) {
    if let signal = signals?.receive().first(where: { $0 != .child }) { throw .stopped(signal) }
  }

  static func poll(
    _ interests: [PollInterest?], until deadline: ContinuousClock.Instant?
  ) throws(SessionError) -> [PollReadiness] {
    do { return try Linux.poll(interests.compactMap(\.self), until: deadline) } catch { throw .system(error) }
  }

  /// The time until which a wait is silent, and whom to tell then.
  private struct Wait {
    let end: ContinuousClock.Instant
    let notify: (Notice) -> Void
  }

  private static func connect(
    to broker: BrokerURL, heartbeat: UInt16, name: String, access: BrokerAccess?, maxBodySizeInMemory: Int,
    until deadline: ContinuousClock.Instant?, signals: SignalReceiver?, waiting: inout Wait?
  ) throws(SessionError) -> BrokerSession {
    var parameters = Connection.Parameters(url: broker, heartbeat: heartbeat, name: name)
    parameters.maxBodySizeInMemory = maxBodySizeInMemory
    let link = BrokerLink(broker: broker, parameters, access: access, now: .now)
    let session = BrokerSession(link: link, signals: signals)
    if let wait = waiting, deadline.map({ $0 > wait.end }) ?? true {
      while !link.isOpen, ContinuousClock.now < wait.end { try session.turn(until: wait.end) }
      if !link.isOpen {
        waiting = nil
        wait.notify(.unanswered(broker))
      }
    }
    try session.wait(until: deadline) { session.takeFirst { $0 == .opened ? true : nil } }
    return session
  }
}
