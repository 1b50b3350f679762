import Arguments
import Broker

/// What `declare` is asked for.
enum DeclareTask {
  case make(QueuePlan)
  /// Removes the queues with these names, which belong to `queue`. With `ifEmpty`, none is removed unless all are empty.
  case remove(queue: String, names: [String], ifEmpty: Bool)

  /// - Throws: `Failure`; `UsageError` for options that do not go together
  init(_ settings: inout Settings) throws {
    let isDeleting = settings.isGiven(Declare.delete)
    let onlyDeclaring: [any CommandOption] = [
      Declare.type, Declare.exchange, Declare.routingKey, Declare.consumerTimeout, Declare.argument, Run.retryDelay,
      Run.retryBackoff, Run.retryMax,
    ]
    if isDeleting, let option = onlyDeclaring.first(where: { settings.isGiven($0) }) {
      throw UsageError("\(Declare.delete) does not go with \(option)")
    }
    let ifEmpty = settings.isGiven(Declare.ifEmpty)
    guard isDeleting || !ifEmpty else { throw UsageError("\(Declare.ifEmpty) goes with \(Declare.delete)") }
    let isPlain = try settings.value(Declare.plain)
    let operand = try settings.operands().first
    let name =
      isDeleting
      ? try QueueName.given(operand: operand, settings, for: "\(Declare.delete)")
      : try QueueName.resolved(operand: operand, &settings)
    let queue = isPlain ? WorkQueue(name) : try QueueName.family(name)
    self =
      isDeleting
      ? .remove(queue: name, names: isPlain ? [name] : queue.names, ifEmpty: ifEmpty)
      : .make(try QueuePlan(queue, isPlain: isPlain, &settings))
  }
}
