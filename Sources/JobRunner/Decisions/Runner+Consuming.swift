internal import AMQP

/// Waiting for items, and seeing that there are none.
extension Runner {
  /// What an item takes at most from the queue to us, when there is one.
  static let idlePeriod: Duration = .milliseconds(250)

  /// Each consumer has a tag of its own, so that the answers to several cannot be mixed up.
  mutating func attachConsumer() -> Method {
    consumerNumber += 1
    isConsumerAttached = true
    return .basicConsume(queue: ByteString(options.queue), consumerTag: consumerTag)
  }

  mutating func detachConsumer() -> Method {
    isConsumerAttached = false
    return .basicCancel(consumerTag: consumerTag)
  }

  private var consumerTag: ByteString { ByteString("amqp-job-\(consumerNumber)") }

  mutating func consuming(now: ContinuousClock.Instant) -> [RunnerAction] {
    isInspected = true
    let answered = RunnerAction.cancel(.connectLimit)
    guard phase == .consuming, job == nil else { return [answered] }
    return [answered] + awaitItem(now: now)
  }

  /// Nothing in hand, and a consumer attached: an item comes, or it does not.
  mutating func awaitItem(now: ContinuousClock.Instant) -> [RunnerAction] {
    idleSince = idleSince ?? now
    guard options.whenEmpty == .exit else { return [] }
    return [.set(.idle, after: idlePeriod(now: now))]
  }

  private func idlePeriod(now: ContinuousClock.Instant) -> Duration {
    guard takenCount == 0, let startedAt else { return Self.idlePeriod }
    return max(Self.idlePeriod, now.duration(to: startedAt + options.waitFirst))
  }

  mutating func idled(now: ContinuousClock.Instant) -> [RunnerAction] {
    guard phase == .consuming, job == nil else { return [] }
    return look()
  }

  /// Begins a look whether the queue is drained.
  mutating func look() -> [RunnerAction] {
    guard phase == .consuming || phase == .looking, job == nil else { return [] }
    phase = .looking
    return step(.before)
  }

  private mutating func step(_ step: Drain.Step) -> [RunnerAction] {
    drain.begin(step)
    let methods: [Method] =
      switch step {
      case .before, .after: (isConsumerAttached ? [] : [attachConsumer()]) + [count]
      case .between: [detachConsumer(), count, count]
      }
    return [.send(methods)]
  }

  private var count: Method {
    .queueDeclare(.init(name: ByteString(options.queue), isPassive: true))
  }

  /// The broker counted what is in the queue, and who consumes it.
  mutating func counted(
    _ status: Method.QueueStatus, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    guard phase == .looking, drain.finding == nil else { return [] }
    switch drain.take(status, now: now) {
    case .next(let next): return step(next)
    case .finding(.items):
      phase = .consuming
      let attach: [RunnerAction] = isConsumerAttached ? [] : [.send([attachConsumer()])]
      return attach + awaitItem(now: now)
    case .finding(let finding):
      drain.finding = finding
      guard isConsumerAttached else { return looked(now: now) }
      return [.send([detachConsumer()])]
    case nil: return []
    }
  }

  /// The look is over, and our consumer gone: an item that came to it in its last moment would be in hand now.
  mutating func looked(now: ContinuousClock.Instant) -> [RunnerAction] {
    guard phase == .looking, let finding = drain.finding else { return [] }
    switch finding {
    case .drained:
      return [.log(LogEntry(.info, "\(place) is drained"))] + closeAndFinish(result)
    case .void:
      if let since = drain.voidSince, now >= since + options.connectTimeout {
        return closeAndFinish(
          .unreachable,
          "\(place) gives no answer that can be trusted: our own consumer is not in it")
      }
    case .items, .otherConsumers, .empty: break
    }
    return [.set(.look, after: Drain.pause + Drain.pause * chance / 4)]
  }

  /// The broker ended our consumer: the queue was deleted, or moved, or the item took too long.
  mutating func consumerCancelled() -> [RunnerAction] {
    isConsumerAttached = false
    switch phase {
    case .consuming where job != nil:
      return abandon(
        .itemTakenBack,
        "the broker took the item back from \(place) (consumer timeout, or the queue was deleted): "
          + "the worker is stopped; "
          + "declare a longer x-consumer-timeout if it needs more time")
    case .consuming, .looking:
      guard !isAckUnconfirmed else { return ackRefused(why: "the broker took the item back first") }
      // Should it be gone, the answer is that there is no such queue.
      drain.interrupt()
      return [
        .cancel(.idle), .cancel(.look), .set(.connectLimit, after: options.connectTimeout),
      ] + consume()
    case .copying(let ended): return copyAbandoned(ended, .itemTakenBack, why: "the broker took the item back")
    case .settling(let settlement):
      return settlementRefused(settlement, why: "the broker took the item back first")
    default: return []
    }
  }

  /// The broker closed the channel, and with it gave back whatever we held.
  mutating func channelClosed(
    _ reason: CloseReason, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    isConsumerAttached = false
    switch phase {
    case .consuming where job != nil:
      return abandon(
        .itemTakenBack,
        "the broker took the item back from \(place): \(reason.text); the worker is stopped; raise the broker's "
          + "consumer_timeout if it needs more time")
    case .copying(let ended): return copyAbandoned(ended, .itemTakenBack, why: reason.text)
    case .settling(let settlement): return settlementRefused(settlement, why: reason.text)
    case .consuming where isAckUnconfirmed, .looking where isAckUnconfirmed:
      return ackRefused(why: reason.text)
    case .withdrawing(let status): return closeAndFinish(status)
    case .inspecting, .consuming, .looking: return queueRefused(reason, now: now)
    default: return []
    }
  }
}
