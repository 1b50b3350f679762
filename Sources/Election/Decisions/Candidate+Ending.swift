internal import AMQP
internal import Console
internal import Linux

/// How a candidate stops leading, and comes to its end.
extension Candidate {
  /// How long the broker may take to prove the state that lets a successor begin at once.
  private static let releaseLimit: Duration = .seconds(2)
  /// A signal that comes within this time of the first one is a repetition of it.
  private static let repetition: Duration = .seconds(1)

  /// When the work that is being stopped is killed.
  func killTime(_ stopping: Tenure.Stopping) -> ContinuousClock.Instant {
    let grace = stopping.since + plan.grace
    return renewedAt.map { min(grace, plan.kill($0)) } ?? grace
  }

  /// Stops the work, with TERM or with the signal that was sent.
  mutating func stop(_ reason: Tenure.Reason, now: ContinuousClock.Instant) -> [Action] {
    guard case .leading(let epoch) = tenure else { return [] }
    tenure = .stopping(.init(epoch: epoch, reason: reason, since: now))
    switch reason {
    case .unproven:
      let line: LogMessage =
        "the broker has not proven the lease of epoch \(epoch) in time: stopping the work before the lease ends"
      return [.log(LogEntry(.warning, line)), .stop(.terminate)] + tellAskers(now: now)
    case .superseded(let leader):
      let line: LogMessage =
        "'\(leader.name)' has epoch \(leader.epoch), and this candidate only \(epoch): stopping the work"
      return [.log(LogEntry(.warning, line)), .stop(.terminate)]
    case .signal(let signal):
      return [.log(LogEntry(.notice, "\(signal): letting go")), .stop(signal)] + tellAskers(now: now)
    case .failure(_, let line): return [.log(LogEntry(.warning, line)), .stop(.terminate)] + tellAskers(now: now)
    }
  }

  mutating func workEnded(_ end: WorkEnd, now: ContinuousClock.Instant) -> [Action] {
    switch (tenure, end) {
    case (.leading(let epoch), .ended(let status)): return release(epoch, .ended(status), now: now)
    case (.leading(let epoch), .notBegun(let status, let line)):
      return release(epoch, .failed(status, line), now: now)
    case (.leading, .stopped), (.none, _), (.releasing, _): return []
    case (.stopping(let stopping), _):
      switch stopping.reason {
      case .signal(let signal): return release(stopping.epoch, .stopped(signal), now: now)
      case .failure(let status, let line): return release(stopping.epoch, .failed(status, line), now: now)
      case .unproven, .superseded: return standBy(stopping.epoch, now: now)
      }
    }
  }

  private mutating func standBy(_ epoch: Int64, now: ContinuousClock.Instant) -> [Action] {
    (tenure, renewedAt, claim) = (.none, nil, nil)
    let entry = LogEntry(.notice, "standing by")
    guard let membership else { return [.log(entry)] }
    self.membership?.next = now
    // The active candidate may be another one that waits for this lease.
    guard !membership.isActive else { return [.log(entry)] }
    return [.log(entry), .publish(.state(.init(id: nextID(), name: name, epoch: epoch, wait: .zero)))]
  }

  /// Publishes a state for which no successor has to wait, if that is possible.
  private mutating func release(_ epoch: Int64, _ end: CandidateEnd, now: ContinuousClock.Instant) -> [Action] {
    tenure = .releasing(end, limit: now + Self.releaseLimit)
    guard membership != nil else { return finish(end) }
    return tellAskers(now: now) + publish(.init(id: nextID(), name: name, epoch: epoch, wait: .zero), now: now)
  }

  mutating func failed(_ status: ExitStatus, _ line: LogMessage, now: ContinuousClock.Instant) -> [Action] {
    switch tenure {
    case .none: return finish(.failed(status, line))
    case .leading: return stop(.failure(status, line), now: now)
    case .stopping(let stopping):
      tenure = .stopping(
        .init(epoch: stopping.epoch, reason: .failure(status, line), since: stopping.since, isKilled: stopping.isKilled)
      )
      return []
    case .releasing(let end, _): return finish(end)
    }
  }

  // MARK: Signals

  mutating func received(_ signal: Signal, now: ContinuousClock.Instant) -> [Action] {
    let ends = Signal.endings.contains(signal)
    switch tenure {
    case .none: return ends || signal == .quit ? finish(.stopped(signal)) : []
    case .leading: return ends ? stop(.signal(signal), now: now) : [.signal(signal)]
    case .stopping(let stopping): return ends ? hurry(stopping, signal, now: now) : [.signal(signal)]
    case .releasing: return []
    }
  }

  /// The first signal stops the work. The next one that is no repetition kills it.
  private mutating func hurry(
    _ stopping: Tenure.Stopping, _ signal: Signal, now: ContinuousClock.Instant
  ) -> [Action] {
    guard case .signal = stopping.reason else {
      tenure = .stopping(
        .init(epoch: stopping.epoch, reason: .signal(signal), since: stopping.since, isKilled: stopping.isKilled))
      return []
    }
    return now < stopping.since + Self.repetition ? [] : [.stop(.kill)]
  }
}
