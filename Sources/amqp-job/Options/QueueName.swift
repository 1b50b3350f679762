import AMQP
import Arguments
import Broker
import Console

/// A queue's name as AMQP allows it.
enum QueueName {
  static let option = Option("queue", short: "q", value: "NAME", "the queue (AMQP_QUEUE, QUEUE)").everyday

  /// From `--queue`, else the environment.
  /// - Throws: `Failure`
  static func resolved(_ settings: inout Settings) throws -> String {
    guard let name = try settings.option("queue") ?? fromEnvironment(&settings) else {
      throw Failure(.usage, "no queue given: use --queue, AMQP_QUEUE or QUEUE")
    }
    return try checked(name)
  }

  /// From an operand or `--queue`, else the environment.
  /// - Throws: `Failure`, `UsageError`
  static func resolved(operand: Setting?, _ settings: inout Settings) throws -> String {
    guard operand == nil || settings.option("queue") == nil else {
      throw UsageError("the queue is given twice, as an argument and by --queue")
    }
    guard let name = try operand ?? settings.option("queue") ?? fromEnvironment(&settings) else {
      throw Failure(.usage, "no queue given: name it, or set AMQP_QUEUE or QUEUE")
    }
    return try checked(name)
  }

  private static func fromEnvironment(_ settings: inout Settings) throws -> Setting? {
    try settings.setting("queue") ?? settings.variable("AMQP_QUEUE") ?? settings.variable("QUEUE")
  }

  /// The queue of a checked name, with a retry and a dead-letter queue, whose names have to fit as well.
  /// - Throws: `Failure`
  static func family(_ name: String) throws -> WorkQueue {
    guard name.utf8.count <= WorkQueue.maxNameSize else {
      throw Failure(.usage, "the name of a queue with a retry queue has at most \(WorkQueue.maxNameSize) bytes")
    }
    return WorkQueue(name)
  }

  /// - Throws: `Failure`
  static func checked(_ setting: Setting) throws -> String {
    let name = try setting.name()
    guard !name.isEmpty, ShortString(name) != nil else {
      throw Failure(.usage, "a queue's name has from 1 to 255 bytes")
    }
    return name
  }
}
