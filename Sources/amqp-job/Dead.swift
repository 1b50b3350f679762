import AMQP
import Arguments
import Broker
import JobRunner
import Linux

/// `amqp-job dead`
struct Dead: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "dead", summary: "Look at a queue's dead letters, send them back, or drop them.",
    examples: [
      "amqp-job dead list fruits", "amqp-job dead list fruits --json | jq -r .headers.source",
      "amqp-job dead replay fruits --id 42", "amqp-job dead purge fruits",
    ],
    notes:
      "QUEUE is the queue itself, whose dead letters are in QUEUE.dead "
      + "(default AMQP_QUEUE, QUEUE). list changes nothing, but holds the items while it reads them: for that moment "
      + "others do not see them. replay moves the items that are there when it begins, and their attempts start anew.",
    operands: .oneOrTwo(first: "ACTION", second: "QUEUE"),
    choices: Action.allCases.map(\.rawValue),
    groups: [
      OptionGroup(
        "Options",
        [
          Option("limit", value: "N", "list, replay: the first N items only").everyday,
          Option("id", value: "ID", "replay: only the items with this message id; may be repeated").everyday,
          Option("json", "list: one JSON object a line, with the items' headers").everyday,
        ]), BrokerOptions.group, LogOptions.group,
    ])

  enum Action: String, CaseIterable {
    case list
    case replay
    case purge

    var options: Set<String> {
      switch self {
      case .list: ["limit", "json"]
      case .replay: ["limit", "id"]
      case .purge: []
      }
    }
  }

  static let channel = Replay.channel

  let action: Action
  let queue: WorkQueue
  let broker: BrokerOptions
  let reporter: Reporter
  let spoolDirectory: String

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let operands = try settings.operands()
    guard let action = Action(rawValue: operands[0].text) else {
      throw UsageError("ACTION is list, replay or purge, not '\(operands[0].text)'")
    }
    if let foreign = ["limit", "id", "json"].first(where: { arguments.contains($0) && !action.options.contains($0) }) {
      throw UsageError("--\(foreign) does not go with \(action.rawValue)")
    }
    let limit = try settings.value("limit", "a whole number from 1") { Int($0).flatMap { $0 > 0 ? $0 : nil } } ?? .max
    let dead = Dead(
      action: action,
      queue: try QueueName.family(QueueName.resolved(operand: operands.dropFirst().first, &settings)),
      broker: try BrokerOptions(&settings), reporter: try LogOptions.reporter(&settings),
      spoolDirectory: settings.surroundings.temporaryDirectory)
    dead.broker.warn(dead.reporter)

    switch action {
    case .list: try DeadList(dead, limit: limit, isJSON: try settings.flag("json")).run()
    case .replay: try DeadReplay(dead, limit: limit, ids: Set(try settings.list("id").map(\.text))).run()
    case .purge: try dead.purge()
    }
  }

  private func purge() throws {
    let session = try connect()
    _ = try depth(session)
    let count: UInt32
    do {
      count = try session.purge(queue.deadName, on: Self.channel)
    } catch {
      throw Failure(error, queue: queue.deadName, broker: session.broker)
    }
    session.close()
    reporter.report(
      LogEntry(
        .notice, "\(count) item\(count == 1 ? "" : "s") dropped from \(place(session))", ["items": .integer(Int(count))]
      )
    )
  }

  // MARK: The dead-letter queue

  func place(_ session: BrokerSession) -> String { "queue '\(queue.deadName)' at \(session.broker)" }

  /// - Throws: `Failure`
  func connect(largestBodyInMemory: Int = .max) throws -> BrokerSession {
    do {
      return try broker.connect(
        name: "amqp-job dead \(action.rawValue) \(queue.name)", largestBodyInMemory: largestBodyInMemory)
    } catch {
      throw Failure(error, queue: queue.deadName, broker: nil)
    }
  }

  /// Opens the channel, and says how many items are there.
  /// - Throws: `Failure`
  func depth(_ session: BrokerSession) throws -> Int {
    do {
      try session.openChannel(Self.channel)
      return Int(try session.queueStatus(queue.deadName, on: Self.channel).messageCount)
    } catch BrokerSession.CallError.refused(let reason) where reason.meansNoSuchQueue {
      throw Failure(
        .noQueue,
        "there is no \(place(session)); 'amqp-job declare \(queue.name)' makes it, unless '\(queue.name)' is a plain queue"
      )
    } catch {
      throw Failure(error, queue: queue.deadName, broker: session.broker)
    }
  }

  /// What the queue does with what is looked at. A broker's log may have a line of it.
  /// - Throws: `Failure`
  func standing(_ session: BrokerSession) throws -> DeadQueueStanding {
    do {
      return try session.deadQueueStanding(queue, on: Self.channel + 1)
    } catch {
      throw Failure(error, queue: queue.deadName, broker: session.broker)
    }
  }

  /// How to take what is to be given back.
  /// - Throws: `Failure` where the queue may drop what was given back too often
  func wayToLook(_ session: BrokerSession) throws -> QueueReader.Way {
    let standing = try standing(session)
    switch standing.returns {
    case .unlimited: return standing.way
    case .limited:
      throw Failure(
        .wrongQueue,
        "\(place(session)) was not made by 'amqp-job declare', and may drop items that are looked at often: "
          + "none was looked at ('dead replay' of all loses none)")
    case .unknown(let reason):
      throw Failure(
        .notPermitted,
        "cannot know whether \(place(session)) drops items that are looked at often, so none was looked at: that takes "
          + "permission to configure it (\(reason.text)); 'dead replay' of all does not need it")
    }
  }
}
