internal import Linux
internal import Steps

/// The runner's connection to one step. It is made again whenever it is lost.
final class StepLink {
  enum Event {
    /// The step has answered, and takes items.
    case ready
    /// The step was ready, and is gone.
    case lost
    /// The step speaks another version of the protocol.
    case refused(String)
    case message(StepMessage)
  }

  private enum State {
    case absent(retryAt: ContinuousClock.Instant)
    case greeting(StepConnection, limit: ContinuousClock.Instant)
    case ready(StepConnection)
  }

  private static let silent = "it does not answer"
  private static let firstPause: Duration = .milliseconds(20)
  private static let maxPause: Duration = .seconds(1)
  /// How long a step may take to answer at first until that is worth a word.
  private static let silence: Duration = .seconds(1)
  /// How long a step that has accepted the connection may take to answer.
  private static let greetingLimit: Duration = .seconds(5)

  let place: StepPlace
  private let version: String
  private let beganAt: ContinuousClock.Instant
  private var state: State
  private var pause = StepLink.firstPause
  /// Why the step does not answer.
  private(set) var failure = StepLink.silent
  private var isNobodyThere = false

  /// `version` is the version of this program.
  init(_ place: StepPlace, version: String, now: ContinuousClock.Instant) {
    (self.place, self.version, beganAt) = (place, version, now)
    state = .absent(retryAt: now)
  }

  /// Why the step has not answered yet, and what may be the reason.
  var explainedFailure: String { isNobodyThere ? "\(failure) (\(place.likelyAbsence))" : failure }

  var isReady: Bool { if case .ready = state { true } else { false } }

  func isSilent(now: ContinuousClock.Instant) -> Bool { now >= beganAt + Self.silence }

  var interest: PollInterest? { connection?.interest }

  private var connection: StepConnection? {
    switch state {
    case .absent: nil
    case .greeting(let connection, _), .ready(let connection): connection
    }
  }

  /// The latest time for the next call of `process`.
  var deadline: ContinuousClock.Instant? {
    switch state {
    case .absent(let time), .greeting(_, let time): time
    case .ready: nil
    }
  }

  /// Returns false if the step is gone.
  func send(_ message: StepMessage, passing descriptors: [Descriptor] = []) -> Bool {
    guard case .ready(let connection) = state else { return false }
    return connection.send(message, passing: descriptors)
  }

  /// Reads what has come, and connects where it is time for that.
  func process(now: ContinuousClock.Instant) -> [Event] {
    if let deadline, deadline <= now { retry(now: now) }
    var events: [Event] = []
    while let connection {
      switch connection.receive() {
      case .message(let message, _): events += received(message, connection, now: now)
      case .unknown: events += lost("it does not speak as a step does", now: now)
      case .ended: events += lost("it has closed the connection", now: now)
      case .nothing: return events
      }
    }
    return events
  }

  /// Gives the connection up, as a step that does not do what it is told is lost.
  func drop(now: ContinuousClock.Instant) -> [Event] { lost(Self.silent, now: now) }

  /// Tells the step that the runner has ended, even if it has just come back.
  func end() {
    if case .absent = state { retry(now: .now) }
    _ = connection?.send(.end)
    state = .absent(retryAt: .now + Self.maxPause)
  }

  private func retry(now: ContinuousClock.Instant) {
    do throws(SystemError) {
      let connection = try StepConnection(path: place.path)
      guard connection.send(.hello(version: StepMessage.version, program: version)) else { return wait(now: now) }
      state = .greeting(connection, limit: now + Self.greetingLimit)
    } catch {
      failure = error.reason
      isNobodyThere = error.isNobodyThere
      wait(now: now)
    }
  }

  private func wait(now: ContinuousClock.Instant) {
    state = .absent(retryAt: now + pause)
    pause = min(pause * 2, Self.maxPause)
  }

  private func lost(_ reason: String, now: ContinuousClock.Instant) -> [Event] {
    let wasReady = isReady
    (failure, isNobodyThere) = (reason, false)
    wait(now: now)
    return wasReady ? [.lost] : []
  }

  private func received(_ message: StepMessage, _ connection: StepConnection, now: ContinuousClock.Instant) -> [Event] {
    switch (state, message) {
    case (.greeting, .hello(StepMessage.version, _)):
      state = .ready(connection)
      (pause, failure) = (Self.firstPause, Self.silent)
      return [.ready]
    case (.greeting, .hello(let version, let program)):
      wait(now: now)
      return [
        .refused(
          "it is amqp-job \(program) and speaks version \(version) of the step protocol, this runner version "
            + "\(StepMessage.version): use the same amqp-job in both")
      ]
    case (.ready, .ended), (.ready, .notStarted): return [.message(message)]
    default: return lost("it does not speak as a step does", now: now)
    }
  }
}
