import AMQP
import Arguments
import Broker

/// The option for a queue's name, and the checks of such a name.
enum QueueName {
  static let option = Option("queue", short: "q", .setting("NAME"), "the queue (AMQP_QUEUE, QUEUE)").common.known(
    as: "queue-name")

  /// The queue that `--queue` or the environment names.
  /// - Throws: `UsageError`
  static func resolved(_ settings: inout Settings) throws -> String {
    guard let name = try settings.given(option) ?? fromEnvironment(&settings) else {
      let hint = absence(settings)
      let operand = hint.isEmpty ? try settings.operands().first : nil
      let notTaken = operand.map { "; '\($0.text)' is not taken for it" } ?? ""
      throw UsageError("no queue given: use \(option), AMQP_QUEUE or QUEUE\(hint)\(notTaken)")
    }
    return try checked(name)
  }

  /// The queue that an operand, `--queue` or the environment names.
  /// - Throws: `UsageError`
  static func resolved(operand: Setting?, _ settings: inout Settings) throws -> String {
    guard let name = try argument(operand, settings) ?? fromEnvironment(&settings) else {
      throw UsageError("no queue given: name it, or set AMQP_QUEUE or QUEUE\(absence(settings))")
    }
    return try checked(name)
  }

  /// The queue that an operand or `--queue` names. What removes items takes no queue from the environment, which may be that of
  /// another task.
  /// - Throws: `UsageError`
  static func given(operand: Setting?, _ settings: Settings, for removal: String) throws -> String {
    guard let name = try argument(operand, settings) else {
      throw UsageError("\(removal) wants the queue by name, not from the environment")
    }
    return try checked(name)
  }

  private static func absence(_ settings: Settings) -> String {
    settings.hint(onAbsent: option, variables: ["AMQP_QUEUE", "QUEUE"])
  }

  private static func argument(_ operand: Setting?, _ settings: Settings) throws -> Setting? {
    guard operand == nil || !settings.isGiven(option) else {
      throw UsageError("the queue is given twice, as an argument and by \(option)")
    }
    return operand ?? settings.given(option)
  }

  private static func fromEnvironment(_ settings: inout Settings) throws -> Setting? {
    try settings.variable(of: option) ?? settings.variable("AMQP_QUEUE") ?? settings.variable("QUEUE")
  }

  /// The queue of a checked name, with its dead-letter queue and this many retry queues. Their longer names have to fit, too.
  /// - Throws: `UsageError`
  static func family(_ name: String, retryLevels: Int = 1) throws -> WorkQueue {
    let queue = WorkQueue(name)
    let longest = queue.retryName(level: retryLevels)
    guard ShortString(longest) != nil else {
      let room = name.utf8.count + ShortString.maxSize - longest.utf8.count
      throw UsageError(
        "the name of a queue with \(retryLevels == 1 ? "a retry queue" : "\(retryLevels) retry queues") has at most \(room) bytes"
      )
    }
    return queue
  }

  /// - Throws: `UsageError` if AMQP does not allow the name
  static func checked(_ setting: Setting) throws -> String {
    let name = try setting.name()
    guard !name.isEmpty, ShortString(name) != nil else {
      throw UsageError("a queue's name has from 1 to 255 bytes")
    }
    return name
  }
}
