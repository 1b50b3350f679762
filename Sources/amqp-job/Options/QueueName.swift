import Arguments
import JobRunner

/// A queue's name as AMQP allows it.
enum QueueName {
  static let option = Option("queue", short: "q", value: "NAME", "the queue (AMQP_QUEUE, QUEUE)")

  /// From `--queue`, else the environment.
  /// - Throws: `Failure`
  static func resolved(_ settings: inout Settings) throws -> String {
    guard let name = settings.given["queue"] ?? settings.variable("AMQP_QUEUE") ?? settings.variable("QUEUE") else {
      throw Failure(.usage, "no queue given: use --queue, AMQP_QUEUE or QUEUE")
    }
    return try checked(name)
  }

  static func checked(_ name: String) throws -> String {
    guard (1...255).contains(name.utf8.count), !name.utf8.contains(0) else {
      throw Failure(.usage, "a queue's name has from 1 to 255 bytes")
    }
    return name
  }
}
