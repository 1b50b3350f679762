import AMQP
import Broker
import Console
import Testing

@testable import amqp_job

@Suite("What declare decides") struct DeclareTests {
  private func task(_ words: String..., environment: [String] = []) throws -> DeclareTask {
    var settings = try settings(Declare.self, words, environment: environment)
    return try DeclareTask(&settings)
  }

  private func plan(_ words: String...) throws -> QueuePlan { try plan(words) }

  private func plan(_ words: [String]) throws -> QueuePlan {
    var settings = try settings(Declare.self, words)
    guard case .make(let plan) = try DeclareTask(&settings) else { throw Failure(.internalError, "a removal") }
    return plan
  }

  private let broker = BrokerURL(host: "h")

  // MARK: Options

  @Test("A queue is planned with its companions, each before the queue that dead-letters into it") func family() throws
  {
    let declarations = try plan("q").declarations(for: nil)
    #expect(declarations.map(\.name) == ["q.dead", "q.marks", "q.retry", "q"])
  }

  @Test("Delays that grow have a retry queue each") func growingDelays() throws {
    let words = ["--retry-delay", "1s", "--retry-backoff", "2", "--retry-max", "4s"]
    let declarations = try plan(["q"] + words).declarations(for: nil)
    #expect(declarations.map(\.name) == ["q.dead", "q.marks", "q.retry", "q.retry.2", "q.retry.3", "q"])
    let longest = String(repeating: "x", count: WorkQueue.maxNameSize)
    #expect(try plan(longest).declarations(for: nil).count == 4)
    #expect(
      try usageError { _ = try plan([longest] + words) }
        == "the name of a queue with 3 retry queues has at most 247 bytes")
  }

  @Test("A plain queue is planned alone") func plain() throws {
    let declarations = try plan("q", "--plain", "--type", "classic").declarations(for: nil)
    #expect(declarations.map(\.name) == ["q"])
    #expect(declarations[0].arguments == WorkQueue.plainArguments(.classic))
  }

  @Test("The queue's name comes from the environment if no other is given") func fromEnvironment() throws {
    guard case .make(let plan) = try task(environment: ["QUEUE=q"]) else { throw Failure(.internalError, "a removal") }
    #expect(plan.queue == WorkQueue("q"))
  }

  @Test("A removal names the queue before those that it needs") func removal() throws {
    guard case .remove("q", let names, let ifEmpty) = try task("q", "--delete", "--if-empty") else {
      throw Failure(.internalError, "no removal")
    }
    #expect(names == ["q", "q.retry", "q.marks", "q.dead"])
    #expect(ifEmpty)
  }

  @Test(
    "Options that do not go together are refused",
    arguments: [
      (["q", "--delete", "--type", "classic"], "--delete does not go with --type"),
      (["q", "--if-empty"], "--if-empty goes with --delete"),
      (["q", "--delete", "--retry-backoff", "2"], "--delete does not go with --retry-backoff"),
      (["q", "--plain", "--retry-backoff", "2"], "--retry-backoff does not go with --plain"),
      (
        ["q", "--retry-delay", "2s"],
        "--retry-delay goes with --retry-backoff: a delay that does not grow is an option of 'amqp-job run' alone"
      ),
      (["q", "--routing-key", "k"], "--routing-key goes with --exchange"),
      (["q", "--arg", "x-queue-type=classic"], "--arg x-queue-type=... is --type"),
      (["q", "--arg", "x-consumer-timeout=1"], "--arg x-consumer-timeout=... is --consumer-timeout"),
      (["--queue", "q", "q"], "the queue is given twice, as an argument and by --queue"),
      ([], "no queue given: name it, or set AMQP_QUEUE or QUEUE"),
    ])
  func refusedOptions(words: [String], error: String) throws {
    var settings = try settings(Declare.self, words)
    #expect(try usageError { _ = try DeclareTask(&settings) } == error)
  }

  @Test("A removal does not take the queue from the environment") func removalFromEnvironment() throws {
    #expect(
      try usageError { _ = try task("--delete", environment: ["QUEUE=q"]) }
        == "--delete wants the queue by name, not from the environment")
  }

  @Test("An argument that sends dead letters elsewhere is refused, but on a plain queue") func foreignTarget() throws {
    let argument = "x-dead-letter-routing-key=other"
    #expect(try usageError { _ = try plan("q", "--arg", argument) }?.contains("'q.dead'") == true)
    #expect(try plan("q", "--plain", "--arg", argument).declarations(for: nil).count == 1)
  }

  @Test("A limit that would hold up retries is refused with 78, but on a plain queue") func refusingLimit() throws {
    let failure = try #require(throws: Failure.self) { _ = try plan("q", "--arg", "x-max-length=5") }
    #expect(failure.status == .wrongQueue)
    #expect(failure.text.hasPrefix("--arg x-max-length=... does not go with a retry queue"))
    #expect(try plan("q", "--plain", "--arg", "x-max-length=5").declarations(for: nil).count == 1)
  }

  // MARK: Brokers

  @Test("A consumer timeout is asked for only where the broker supports it") func consumerTimeout() throws {
    let plan = try plan("q", "--consumer-timeout", "1h")
    let new = ServerVersion(4, 0)
    #expect(plan.declarations(for: new).last?.arguments[ConsumerTimeout.argument] == .int64(3_600_000))
    #expect(plan.shortfall(of: new, at: broker) == nil)
    let old = ServerVersion(3, 10)
    #expect(plan.declarations(for: old).last?.arguments[ConsumerTimeout.argument] == nil)
    let warning = try #require(plan.shortfall(of: old, at: broker))
    #expect(warning.level == .warning)
    #expect(warning.text.hasPrefix("queue 'q' at h:5672 is declared without a consumer timeout: RabbitMQ 3.10"))
  }

  private func differs(_ argument: String, _ current: String) -> CloseReason {
    CloseReason(
      code: .preconditionFailed,
      text: "PRECONDITION_FAILED - inequivalent arg '\(argument)' for queue 'q' in vhost '/': received "
        + "the value 'a' of type 'longstr' but current is \(current)")
  }

  @Test("A queue that is declared otherwise is refused with 78, and the advice to use or remove it") func otherwise()
    throws
  {
    let plan = try plan("q")
    let last = try #require(plan.declarations(for: nil).last)
    let failure = plan.refusal(of: last, differs("x-dead-letter-exchange", "none"), at: broker)
    #expect(failure.status == .wrongQueue)
    #expect(failure.text.hasPrefix("queue 'q' at h:5672 is there, declared otherwise: PRECONDITION_FAILED"))
    #expect(failure.text.contains("; nothing was made; use it as it is, without retries"))
    #expect(failure.text.hasSuffix("or remove it first ('amqp-job declare q --delete --if-empty')"))
  }

  @Test("A name that AMQP reserves for the broker is refused with 77") func reservedName() throws {
    let failure = try #require(throws: Failure.self) { _ = try plan("amq.q", "--plain") }
    #expect(failure.status == .notPermitted)
    #expect(failure.text.hasSuffix("AMQP reserves names that begin with amq. for the broker"))
  }

  @Test("A queue with the name of a companion queue is warned of", arguments: ["q.dead", "q.retry", "q.marks"])
  func companionName(name: String) throws {
    let warning = try #require(try plan(name, "--plain").nameWarning(at: broker))
    #expect(warning.level == .warning)
    #expect(warning.text.contains("'amqp-job declare q' makes it beside queue 'q'"))
    #expect(try plan("q.deadly").nameWarning(at: broker) == nil)
  }

  @Test("New queues are reported on request only") func allMade() throws {
    let plan = try plan("q")
    let declarations = plan.declarations(for: nil)
    let entries = plan.report(declarations, of: declarations, at: broker)
    #expect(entries.map(\.level) == [.info, .info, .info, .info])
    #expect(entries[3].text == "queue 'q' at h:5672 is made")
  }

  @Test("A companion that was missing beside an existing queue is warned of") func lostCompanion() throws {
    let plan = try plan("q")
    let declarations = plan.declarations(for: nil)
    let entries = plan.report([declarations[2]], of: declarations, at: broker)
    let warnings = entries.filter { $0.level == .warning }
    #expect(warnings.count == 1)
    #expect(warnings[0].text.hasPrefix("queue 'q.retry' was missing beside queue 'q' at h:5672"))
  }

  @Test("A retry queue is new if there was none after it, and else it was lost") func newRetryQueues() throws {
    let plan = try plan("q", "--retry-delay", "1s", "--retry-backoff", "2", "--retry-max", "8s")
    let declarations = plan.declarations(for: nil)
    func warnings(without names: Set<ByteString>) -> [String] {
      let missing = declarations.filter { names.contains($0.name) }
      return plan.report(missing, of: declarations, at: broker).filter { $0.level == .warning }.map(\.text)
    }
    #expect(warnings(without: ["q.retry.2", "q.retry.3", "q.retry.4"]).isEmpty)
    let lost = warnings(without: ["q.retry.2", "q.retry.4"])
    #expect(lost.count == 1 && lost[0].hasPrefix("queue 'q.retry.2' was missing beside queue 'q'"))
    #expect(warnings(without: ["q.retry", "q.retry.2", "q.retry.3", "q.retry.4"]).count == 1)
  }

  @Test("Marks that were missing are no loss") func lostMarks() throws {
    let plan = try plan("q")
    let declarations = plan.declarations(for: nil)
    #expect(plan.report([declarations[1]], of: declarations, at: broker).allSatisfy { $0.level == .info })
  }

  @Test("A queue that was there keeps its consumer timeout, and the user is told") func keptTimeout() throws {
    let plan = try plan("q", "--consumer-timeout", "1h")
    let declarations = plan.declarations(for: ServerVersion(4, 0))
    let notices = plan.report([], of: declarations, at: broker).filter { $0.level == .notice }
    #expect(
      notices.map(\.text) == ["queue 'q' at h:5672 was there already, and keeps the consumer timeout that it has"])
  }

  @Test(
    "A queue that is not empty is told with what empties it",
    arguments: [
      ("q", 1, "; 'amqp-job run -q q --drain -- COMMAND' works on its items"),
      ("q.dead", 2, "; 'amqp-job dead replay q' sends its items back, and 'amqp-job dead purge q' drops them"),
      ("q.retry", 1, "; it has to do with items that are to come back"), ("q", 0, "; end them first"),
    ] as [(String, UInt32, String)])
  func notEmpty(name: String, items: UInt32, advice: String) {
    let text = QueueRemoval.advice(on: name, of: WorkQueue("q"), items: items).text(for: .amqpJob)
    #expect(text.hasPrefix(advice))
  }

  @Test("An argument that queues of the type do not have is told with the type that may have it")
  func unsupported() throws {
    var settings = try settings(Declare.self, ["q", "--arg", "x-max-priority=5"])
    let plan = try QueuePlan(WorkQueue("q"), isPlain: false, &settings)
    let declaration = WorkQueue("q").declaration(.quorum)
    let text =
      "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue"
    let refused = plan.unsupported(
      declaration, CloseReason(code: .preconditionFailed, text: text), at: BrokerURL(host: "h"))
    let failure = try #require(refused)
    #expect(failure.status == .wrongQueue)
    #expect(
      failure.text.contains("no argument x-max-priority for a queue of the type quorum (--type classic may have it)"))
    let other = CloseReason(code: .accessRefused, text: "ACCESS_REFUSED - no")
    #expect(plan.unsupported(declaration, other, at: BrokerURL(host: "h")) == nil)
  }
}
