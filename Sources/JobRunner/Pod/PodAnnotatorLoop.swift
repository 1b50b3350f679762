internal import HTTP
internal import Linux

/// Sends what `DeletionCost` decides to the API server, until it is stopped.
struct PodAnnotatorLoop {
  private let pod: PodPlace
  private let exchange: PodAnnotator.Exchange
  private let changed: Descriptor
  private let stopped: Descriptor
  private var cost = DeletionCost(now: .now)
  /// nil before the first request, and after one that reached no server, whose authority may be another one by then.
  private var client: HTTPClient?
  private var latestComplaint: String?

  init(_ pod: PodPlace, _ exchange: PodAnnotator.Exchange, changed: Descriptor, stopped: Descriptor) {
    (self.pod, self.exchange, self.changed, self.stopped) = (pod, exchange, changed, stopped)
  }

  mutating func run() {
    while let readiness = try? wait() {
      if readiness[0].readable { return }
      if readiness[1].readable { drain() }
      if let outcome = client?.takeOutcome() { finish(outcome) }
    }
  }

  /// Does what is due, and waits for what is next. The readiness is that of `stopped`, of `changed` and of the client.
  private mutating func wait() throws(SystemError) -> [PollReadiness] {
    cost.observe(isBusy: exchange.isBusy, at: .now)
    var deadline: ContinuousClock.Instant?
    switch cost.step(at: .now) {
    case .tell(let value): if !send(value) { return try wait() }
    case .wait(let time): deadline = time
    }
    var interests = [stopped, changed].map { PollInterest(descriptor: $0.number, readable: true, writable: false) }
    _ = interests.add(client?.interest)
    return try poll(interests, until: deadline)
  }

  private func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    _ = try? changed.read(into: &bytes)
  }

  /// Returns whether a request is under way.
  private mutating func send(_ value: Int) -> Bool {
    do {
      let token = try PodPlace.text(of: "token")
      let client = try client ?? pod.client()
      self.client = client
      client.send(pod.request(cost: value, token: token))
      return true
    } catch {
      fail("\(error)")
      return false
    }
  }

  private mutating func finish(_ outcome: HTTPClient.Outcome) {
    switch outcome {
    case .response(200..<300, _):
      cost.answered(isTaken: true)
      latestComplaint = nil
    case .response(401, _): fail("it does not take the service account's token (401)")
    case .response(403, _):
      fail("the service account may not patch pods (403); 'amqp-job manifest' writes a Role for that")
    case .response(404, _): fail("it knows no such pod (404); POD_NAME is to be its name")
    case .response(let status, _): fail("it answers \(status)")
    case .unreachable(let reason), .failed(let reason):
      client = nil
      fail(reason)
    }
  }

  private mutating func fail(_ reason: String) {
    cost.answered(isTaken: false)
    guard reason != latestComplaint else { return }
    latestComplaint = reason
    exchange.complain(reason)
  }
}
