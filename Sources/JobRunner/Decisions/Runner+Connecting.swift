internal import AMQP
internal import Broker

/// Reaching the broker, and finding the queue there.
extension Runner {
  mutating func connect() -> [RunnerAction] {
    phase = .connecting
    backOff = BackOff()
    return [dial(), .set(.connectLimit, after: options.connectTimeout)]
  }

  private mutating func dial() -> RunnerAction {
    attemptCount += 1
    return .connect(broker, questions)
  }

  /// What to ask about the queue before anything is consumed from it: consumers can be what a queue lives for.
  private var questions: [ChannelMethod] {
    let inspection = isInspected ? [] : QueueInspection.request(queue: options.queue)
    return inspection + [ChannelMethod(.channelOpen, on: Self.channel)]
  }

  /// The login succeeded, and the questions are with the broker.
  mutating func connected() -> [RunnerAction] {
    connectFailure = nil
    phase = .inspecting
    return isInspected ? consume() : []
  }

  /// The answer on the inspection's own channel.
  mutating func inspected(_ method: Method) -> [RunnerAction] {
    guard phase == .inspecting, let verdict = QueueInspection.verdict(on: method) else { return [] }
    switch verdict {
    case .unsupported(let why):
      return closeAndFinish(
        .wrongQueue, "cannot serve \(place): \(why); declare it with 'amqp-job declare' as a durable queue")
    case .serviceable:
      return consume()
    }
  }

  /// Where there is no such queue, the answer is that.
  mutating func consume() -> [RunnerAction] {
    phase = .consuming
    return [.send([.basicQoS(prefetchCount: 1), attachConsumer()])]
  }

  /// The broker closed the channel before anything was consumed.
  mutating func queueRefused(_ reason: CloseReason, now: ContinuousClock.Instant) -> [RunnerAction] {
    switch reason.code {
    case .notFound where reason.text.hasSuffix("is down or inaccessible"):
      // The queue exists; the node it lives on is away, and may be back.
      connectFailure = BrokerFailure(.unreachable, broker: broker, detail: reason.text)
      phase = .connecting
      return [.disconnect, .set(.retry, after: BackOff.longest)]
    case .notFound:
      let left = startedAt.map { now.duration(to: $0 + options.waitFirst) } ?? .zero
      guard left > .zero, takenCount == 0 else {
        return closeAndFinish(
          .noQueue, "there is no \(place); 'amqp-job declare \(options.queue)' makes it")
      }
      phase = .awaitingQueue
      return [.cancel(.connectLimit), .set(.retry, after: min(left, .seconds(1)))]
    case .accessRefused:
      return closeAndFinish(.notPermitted, "no permission for \(place): \(reason.text)")
    case .internalError:
      return closeAndFinish(.temporaryFailure, "\(place) is in trouble: \(reason.text)")
    default:
      return closeAndFinish(.wrongQueue, "cannot serve \(place): \(reason.text)")
    }
  }

  mutating func retry() -> [RunnerAction] {
    switch phase {
    case .connecting: return [dial()]
    case .awaitingQueue:
      phase = .inspecting
      return [.send(questions), .set(.connectLimit, after: options.connectTimeout)]
    default: return []
    }
  }

  mutating func connectLimitReached() -> [RunnerAction] {
    switch phase {
    case .connecting, .inspecting,
      .consuming where job == nil:
      let silence = BrokerFailure(.unreachable, broker: broker, detail: "it does not answer")
      let what = "\(connectFailure ?? silence), for queue '\(options.queue)'"
      return finish(
        .unreachable, "\(what); gave up after \(options.connectTimeout.text) (--connect-timeout)")
    default: return []
    }
  }

  mutating func connectionFailed(
    _ failure: BrokerFailure, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    isConsumerAttached = false
    connectFailure = failure
    if failure.kind == .loginRefused {
      return finish(.notPermitted, "\(failure); check user, password and vhost")
    }
    switch phase {
    case .connecting, .inspecting:
      phase = .connecting
      return [.log(LogEntry(.info, "\(failure)")), .set(.retry, after: backOff.pause(chance: chance))]
    case .consuming where job != nil:
      return abandon(
        .temporaryFailure, "\(failure); the worker is stopped, others get its item of queue '\(options.queue)'")
    case .copying(let ended):
      return copyAbandoned(ended, .temporaryFailure, why: failure.description)
    case .abandoning, .finished, .new:
      return []
    case .withdrawing(let status), .closing(let status):
      return finish(status)
    case .settling(let settlement):
      return settlementLost(settlement, why: failure.description)
    case .awaitingQueue, .consuming, .looking:
      guard !isAckUnconfirmed else {
        return finish(
          .temporaryFailure, "\(failure); items already done may be run again, their acks are unconfirmed")
      }
      drain.interrupt()
      return [
        .log(LogEntry(.warning, "\(failure); connecting again")), .cancel(.idle), .cancel(.look), .cancel(.retry),
      ]
        + connect()
    }
  }
}

extension Duration {
  /// As options are written: `90s`, `250ms`.
  var text: String {
    let milliseconds = Int(self / .milliseconds(1))
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
