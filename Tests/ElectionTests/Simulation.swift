import AMQP
import Console
import Linux
import TestSupport

@testable import Election

/// Candidates, a queue and the ways between them, on simulated clocks. A seed decides how long everything takes, and which faults
/// happen when.
final class Simulation {
  enum ToBroker {
    case join(replyTo: ByteString)
    case publish(ElectionMessage)
    case ack(UInt64)
  }

  enum ToClient {
    case joined(session: Int, replyTo: ByteString)
    case received(ElectionMessage, tag: UInt64, session: Int)
    case confirmed(ElectionMessage.ID, session: Int)
    case parted(session: Int)
    case workEnded(Candidate.WorkEnd, number: Int)
    case signal(Signal)
  }

  enum Event {
    case toBroker(ToBroker, session: Int)
    case toClient(ToClient, process: Int)
    case due(process: Int)
    case workEnds(ProcessStatus, process: Int, number: Int)
    case workLimit(process: Int, number: Int)
    case connect(process: Int)
    case thaw(process: Int)
    case sessionEnds(Int)
    case fault
  }

  /// What the witness has seen: a command that ran.
  struct Witnessed {
    let epoch: Int64
    let start: Duration
    let end: Duration
  }

  private(set) var time: Duration = .zero
  private(set) var witnessed: [Witnessed] = []
  private var agenda: [(at: Duration, event: Event)] = []
  private var queue = SimulatedQueue()
  var processes: [Int: SimulatedCandidate] = [:]
  /// The process of each session, and when its last packet arrives on each way.
  var ways: [Int: (process: Int, toBroker: Duration, toClient: Duration)] = [:]
  private var nextNumber = 1
  var random: Random
  let faults: Faults

  struct Faults {
    /// The time between two faults; nil for none.
    var period: Duration?
    /// Candidates take every leader's lease for ended.
    var ignoresLease = false
  }

  init(seed: UInt64, candidates: Int, _ faults: Faults) {
    random = Random(seed: seed)
    self.faults = faults
    for _ in 0..<candidates { start() }
    if faults.period != nil { scheduleFault() }
  }

  /// Goes on until this time.
  func advance(to end: Duration) {
    while let next = agenda.first, next.at <= end {
      agenda.removeFirst()
      time = max(time, next.at)
      handle(next.event)
    }
    time = end
  }

  /// Goes on until this time, which ends everything.
  func run(until end: Duration) {
    advance(to: end)
    for process in processes.keys { endWork(process) }
  }

  /// The process whose command runs.
  var leader: Int? { processes.first { $0.value.work != nil }?.key }

  // MARK: The agenda

  func at(_ time: Duration, _ event: Event) {
    let index = agenda.firstIndex { $0.at > time } ?? agenda.endIndex
    agenda.insert((time, event), at: index)
  }

  /// Most packets take milliseconds. Some take seconds.
  private func delay() -> Duration {
    let slow = faults.period != nil && random.chance(1, in: 50)
    return .microseconds(Int64(random.number(in: 100...(slow ? 6_000_000 : 20_000))))
  }

  private func send(_ packet: ToBroker, _ session: Int) {
    guard var way = ways[session] else { return }
    way.toBroker = max(way.toBroker, time + delay())
    ways[session] = way
    at(way.toBroker, .toBroker(packet, session: session))
  }

  private func reply(_ packet: ToClient, _ session: Int) {
    guard var way = ways[session] else { return }
    way.toClient = max(way.toClient, time + delay())
    ways[session] = way
    at(way.toClient, .toClient(packet, process: way.process))
  }

  private func handle(_ event: Event) {
    switch event {
    case .toBroker(let packet, let session): arrived(packet, session)
    case .toClient(let packet, let process): give(packet, process)
    case .due(let process):
      guard let candidate = processes[process], candidate.due == time, !candidate.isFrozen else { return }
      step(process, .due)
    case .workEnds(let status, let process, let number):
      guard processes[process]?.work?.number == number else { return }
      endWork(process)
      give(.workEnded(.ended(status), number: number), process)
    case .workLimit(let process, let number):
      guard let candidate = processes[process], let work = candidate.work, work.number == number else { return }
      let limit = candidate.time(work.limit)
      guard limit <= time else { return at(limit, event) }
      at(time, .workEnds(.killed(.kill), process: process, number: number))
    case .connect(let process): connect(process)
    case .thaw(let process): thaw(process)
    case .sessionEnds(let session): endSession(session)
    case .fault:
      fault()
      scheduleFault()
    }
  }

  // MARK: The broker

  private func arrived(_ packet: ToBroker, _ session: Int) {
    if case .join(let replyTo) = packet, ways[session] != nil {
      reply(.joined(session: session, replyTo: replyTo), session)
      deliver(queue.join(session, replyTo: replyTo))
    }
    guard queue.has(session) else { return }
    switch packet {
    case .join: break
    case .publish(let message):
      deliver(queue.publish(message))
      if case .state(let state) = message { reply(.confirmed(state.id, session: session), session) }
    case .ack(let tag): queue.ack(tag, by: session)
    }
  }

  private func deliver(_ deliveries: [SimulatedQueue.Delivery]) {
    for delivery in deliveries {
      reply(.received(delivery.message, tag: delivery.tag, session: delivery.session), delivery.session)
    }
  }

  func endSession(_ session: Int) {
    let deliveries = queue.end(session)
    reply(.parted(session: session), session)
    ways[session] = nil
    deliver(deliveries)
  }

  // MARK: Processes

  private func start() {
    let lease = Duration.seconds(random.number(in: 3...20))
    let plan = LeasePlan(lease: lease, grace: .milliseconds(Int64(random.number(in: 0...1000))))
    processes[nextNumber] = SimulatedCandidate(
      nextNumber, plan: plan, rate: Double(random.number(in: 980...1020)) / 1000,
      offset: .seconds(random.number(in: 0...100_000)))
    at(time + delay(), .connect(process: nextNumber))
    nextNumber += 1
  }

  private func connect(_ process: Int) {
    guard processes[process] != nil, processes[process]?.session == nil else { return }
    let session = nextNumber
    nextNumber += 1
    processes[process]?.session = session
    ways[session] = (process, time, time)
    send(.join(replyTo: ByteString("reply-\(session)")), session)
  }

  func give(_ packet: ToClient, _ process: Int) {
    guard let candidate = processes[process] else { return }
    guard !candidate.isFrozen else {
      processes[process]?.inbox.append(packet)
      return
    }
    switch packet {
    case .joined(candidate.session, let replyTo): step(process, .joined(replyTo: replyTo))
    case .received(var message, let tag, candidate.session):
      if faults.ignoresLease, case .state(var state) = message {
        state.wait = .zero
        message = .state(state)
      }
      step(process, .received(message, deliveryTag: tag))
    case .confirmed(let id, candidate.session): step(process, .confirmed(id))
    case .parted(candidate.session):
      processes[process]?.session = nil
      at(time + delay(), .connect(process: process))
      step(process, .parted)
    case .workEnded(let end, _): step(process, .workEnded(end))
    case .signal(let signal): step(process, .signal(signal))
    case .joined, .received, .confirmed, .parted: break
    }
  }

  private func step(_ process: Int, _ event: Candidate.Event) {
    guard let now = processes[process]?.clock(time), let actions = processes[process]?.candidate.handle(event, now: now)
    else { return }
    for action in actions { perform(action, process) }
    guard let candidate = processes[process], let deadline = candidate.candidate.deadline else { return }
    let due = max(time + .microseconds(1), candidate.time(deadline))
    guard candidate.due != due else { return }
    processes[process]?.due = due
    at(due, .due(process: process))
  }

  private func perform(_ action: Candidate.Action, _ process: Int) {
    let session = processes[process]?.session
    switch action {
    case .publish(let message): session.map { send(.publish(message), $0) }
    case .ack(let tag): session.map { send(.ack(tag), $0) }
    case .begin(let epoch, let limit): beginWork(process, epoch, limit)
    case .extend(let limit): processes[process]?.work?.limit = limit
    case .stop(let signal), .signal(let signal): signalWork(process, signal)
    case .log: break
    case .finish: end(process)
    }
  }

  /// The process ends, and so does its connection. Another one takes its place.
  func end(_ process: Int) {
    endWork(process)
    let candidate = processes.removeValue(forKey: process)
    if let session = candidate?.session { at(time + delay(), .sessionEnds(session)) }
    start()
  }

  private func thaw(_ process: Int) {
    processes[process]?.isFrozen = false
    let inbox = processes[process]?.inbox ?? []
    processes[process]?.inbox = []
    for packet in inbox { give(packet, process) }
    if processes[process] != nil { step(process, .due) }
  }

  // MARK: Commands

  private func beginWork(_ process: Int, _ epoch: Int64, _ limit: ContinuousClock.Instant) {
    let number = nextNumber
    nextNumber += 1
    guard let candidate = processes[process] else { return }
    processes[process]?.work = .init(epoch: epoch, start: time, limit: limit, number: number)
    at(candidate.time(limit), .workLimit(process: process, number: number))
    if faults.period != nil, random.chance(1, in: 4) {
      at(time + .seconds(random.number(in: 0...60)), .workEnds(.exited(0), process: process, number: number))
    }
  }

  /// A command takes some time to end after TERM, or ignores it.
  private func signalWork(_ process: Int, _ signal: Signal) {
    guard let number = processes[process]?.work?.number else { return }
    guard signal == .kill || random.chance(2, in: 3) else { return }
    let delay = signal == .kill ? .zero : Duration.milliseconds(Int64(random.number(in: 0...2000)))
    at(time + delay, .workEnds(.killed(signal), process: process, number: number))
  }

  private func endWork(_ process: Int) {
    guard let work = processes[process]?.work else { return }
    processes[process]?.work = nil
    witnessed.append(Witnessed(epoch: work.epoch, start: work.start, end: time))
  }
}
