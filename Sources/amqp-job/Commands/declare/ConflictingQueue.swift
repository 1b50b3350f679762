import AMQP
import Broker
import Console

/// An existing queue that is not what `declare` would make, judged by the first difference that the broker tells.
enum ConflictingQueue: Hashable {
  /// The retry, the marks or the dead-letter queue of a queue.
  case companion
  /// The queue has the name of one that `declare` makes beside another queue.
  case belonging
  /// The queue may be lost together with its items.
  case transient
  /// The queue is of a type that amqp-job does not serve.
  case unsupportedType
  /// The queue has a dead-letter exchange of its owner.
  case deadLettering
  /// The queue stands alone, and retries were asked for.
  case plain
  /// Other options differ, or it is not known what differs.
  case other

  /// The broker refuses `declaration` for `reason`.
  init(_ reason: CloseReason, _ declaration: Method.QueueDeclaration, of queue: WorkQueue) {
    guard declaration.name.description == queue.name else {
      self = .companion
      return
    }
    guard queue.family == queue else {
      self = .belonging
      return
    }
    self =
      switch DeclarationRefusal(reason, of: declaration) {
      case .differs("durable", _), .differs("auto_delete", _), .differs("auto-delete", _): .transient
      case .differs("x-queue-type", .value(.string(let type))) where WorkQueue.Kind(rawValue: type.description) == nil:
        .unsupportedType
      case .differs("x-dead-letter-exchange", .nothing): .plain
      // A queue that `declare` made dead-letters through the default exchange.
      case .differs("x-dead-letter-exchange", .value(.string(""))): .other
      case .differs("x-dead-letter-exchange", _), .differs("x-dead-letter-routing-key", _): .deadLettering
      default: .other
      }
  }

  /// What to do about it. Each way leads to an end: none is refused in turn.
  func advice(on queue: WorkQueue) -> LogMessage {
    let removal: LogMessage = "('amqp-job declare \(queue.name.shellWord) --delete --if-empty')"
    return switch self {
    case .companion: "remove that queue first, or take another name for '\(queue.name)'"
    case .belonging:
      "'amqp-job declare \(queue.family.name.shellWord)' makes a queue of that name for queue '\(queue.family.name)': leave it alone, "
        + "or take another name"
    case .transient:
      "use it as it is ('run \(Run.anyQueue)'), though its items are lost with it, or remove it first \(removal)"
    case .unsupportedType: "amqp-job serves no queue of that type: take another name"
    case .deadLettering:
      "it has a dead-letter exchange of its own: use it as it is ('run --max-attempts' publishes to that exchange), or "
        + "remove it first \(removal)"
    case .plain: "use it as it is, without retries ('run' needs no declaration), or remove it first \(removal)"
    case .other:
      "use it as it is ('run' needs no declaration), declare it with the options that it was made with, or remove it first "
        + "\(removal)"
    }
  }
}
