import AMQP
import Linux
import TestSupport

@testable import ItemSources

/// Publishers, one after the other, that are killed and cut off at any moment. What they have sent may reach the broker even later.
struct Simulation {
  /// A connection: what is on its way to the broker, and back.
  private struct Link {
    let number: Int
    var sent: [SourcePublisher.Action] = []
    var received: [SourcePublisher.Event] = []
  }

  /// How often each name may be there.
  struct Account {
    /// How often it has come into the list.
    var appearances: [ByteString: Int] = [:]
    /// How many more times: once for each fault at which it was published and not known to be recorded.
    private(set) var allowance: [ByteString: Int] = [:]
    private var unrecorded: Set<ByteString> = []
    /// The records that are not confirmed yet.
    private var records: [LedgerRecord] = []

    mutating func faultHappened() {
      for name in unrecorded { allowance[name, default: 0] += 1 }
      (unrecorded, records) = ([], [])
    }

    mutating func sent(_ action: SourcePublisher.Action) {
      if case .publishItem(let name, _) = action { unrecorded.insert(name) }
      if case .publish(.record(let record)) = action { records.append(record) }
    }

    mutating func received(_ event: SourcePublisher.Event) {
      if case .settled(.record, _) = event, !records.isEmpty { unrecorded.subtract(records.removeFirst().added) }
    }
  }

  private var random: Random
  private(set) var broker = SimulatedBroker()
  /// The names that the source has.
  private(set) var names: [ByteString]
  private(set) var account = Account()
  private var publisher: SourcePublisher
  private var link: Link?
  /// The connections that the broker does not know to be dead.
  private var dead: [Link] = []
  private var answers: [SourcePublisher.Event] = []
  private var linkCount = 0
  private var epoch: Int64 = 1
  private var now = ContinuousClock.now
  private(set) var faultCount = 0
  private(set) var pollCount = 0
  private(set) var publishCount = 0
  private(set) var ends: [SourceEnd] = []

  init(seed: UInt64, names: [ByteString]) {
    random = Random(seed: seed)
    self.names = names
    for name in names { account.appearances[name] = 1 }
    publisher = SourcePublisher(Self.settings(1))
  }

  private static func settings(_ epoch: Int64) -> SourcePublisher.Settings {
    .init(source: "test", ledger: "q.source", period: .seconds(10), isOnce: false, epoch: epoch)
  }

  mutating func reseed(_ seed: UInt64) { random = Random(seed: seed) }

  // MARK: Faults

  mutating func kill() {
    cut()
    (publisher, answers) = (SourcePublisher(Self.settings(epoch + 1)), [])
    epoch += 1
  }

  mutating func cut() {
    faultCount += 1
    account.faultHappened()
    guard var old = link else { return }
    old.received = []
    // The end of what was sent may be lost.
    old.sent = Array(old.sent.prefix(Int.random(in: 0...old.sent.count, using: &random)))
    dead.append(old)
    link = nil
    handle(.parted)
  }

  mutating func change(_ names: [ByteString]) {
    for name in names where !self.names.contains(name) { account.appearances[name, default: 0] += 1 }
    self.names = names
  }

  mutating func deleteLedger() { broker.deleteLedger() }

  // MARK: Steps

  /// Does one of the things that can happen next. Returns false if only time can pass.
  mutating func step() -> Bool {
    var choices: [(inout Simulation) -> Void] = []
    if link == nil { choices.append { $0.connect() } }
    if link?.sent.isEmpty == false { choices.append { $0.arrive() } }
    if link?.received.isEmpty == false { choices.append { $0.receive() } }
    if !answers.isEmpty { choices.append { $0.handle($0.answers.removeFirst()) } }
    if !dead.isEmpty { choices.append { $0.bury() } }
    if let link, publisher.wantsRoom, link.sent.count < 50 { choices.append { $0.handle(.room) } }
    if let number = link?.number, broker.ready.isEmpty == false, broker.canDeliver(to: number) {
      choices.append { $0.deliver() }
    }
    guard let choice = choices.randomElement(using: &random) else { return false }
    choice(&self)
    return true
  }

  /// The time of the next event comes.
  mutating func wait() {
    guard let deadline = publisher.deadline else { return }
    now = max(now, deadline)
    handle(.due)
  }

  mutating func runUntilPolled(_ count: Int) {
    let end = pollCount + count
    var stepsLeft = 1_000_000
    while pollCount < end, stepsLeft > 0 {
      if !step() { wait() }
      stepsLeft -= 1
    }
    while step() {}
  }

  private mutating func connect() {
    linkCount += 1
    link = Link(number: linkCount)
    broker.consume(linkCount)
    handle(.joined)
  }

  private mutating func deliver() {
    guard let number = link?.number, let record = broker.deliver(to: number) else { return }
    link?.received.append(.delivered(record.message, deliveryTag: record.tag))
  }

  /// The next of what was sent arrives at the broker.
  private mutating func arrive() {
    guard let number = link?.number, let action = link?.sent.removeFirst() else { return }
    if let answer = take(action, of: number) { link?.received.append(answer) }
  }

  private mutating func receive() {
    guard let event = link?.received.removeFirst() else { return }
    handle(event)
  }

  /// The broker takes what a dead connection has sent, or notices that it is dead.
  private mutating func bury() {
    if dead[0].sent.isEmpty {
      broker.release(dead.removeFirst().number, &random)
    } else {
      _ = take(dead[0].sent.removeFirst(), of: dead[0].number)
    }
  }

  private mutating func take(_ action: SourcePublisher.Action, of number: Int) -> SourcePublisher.Event? {
    switch action {
    case .publish(let message):
      broker.publish(message)
      if case .mark = message { return .settled(.mark, isConfirmed: true) }
      return .settled(.record, isConfirmed: true)
    case .publishItem(let name, _):
      broker.publish(name)
      return .settled(.item(name), isConfirmed: true)
    case .ack(let tag, let multiple): broker.ack(tag, multiple: multiple)
    case .consume: broker.consume(number)
    case .release:
      broker.release(number, &random)
      return .released
    case .list, .fetch, .log, .finish: break
    }
    return nil
  }

  private mutating func handle(_ event: SourcePublisher.Event) {
    account.received(event)
    for action in publisher.handle(event, now: now) {
      switch action {
      case .list:
        pollCount += 1
        answers.append(.listed(.names(names, flaw: nil)))
      case .fetch(let name):
        answers.append(.fetched(name, names.contains(name) ? .body(.memory(name.bytes)) : .gone))
      case .finish(let end): ends.append(end)
      case .log: break
      case .publish, .publishItem, .ack, .consume, .release:
        publishCount += 1
        account.sent(action)
        link?.sent.append(action)
      }
    }
  }
}
