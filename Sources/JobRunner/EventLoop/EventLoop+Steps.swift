internal import Console
internal import Linux

/// What happens in steps, as events of the runner.
extension EventLoop {
  func stepEvents(_ events: [StepWorkers.Event]) -> [RunnerEvent] { events.compactMap(runnerEvent) }

  private func runnerEvent(_ event: StepWorkers.Event) -> RunnerEvent? {
    switch event {
    case .ready: .stepsReady
    case .silent(let step, let reason): .stepSilent(step, reason: reason)
    case .answered(let step): .stepAnswered(step)
    case .refused(let step, let reason): .stepRefused(step, reason: reason)
    case .unavailable(let step, let reason, let slot): .stepUnavailable(step, reason: reason, slot: slot)
    // The output of a step that failed is no result.
    case .failed(let failure, let slot): publishingResult(before: .stepFailed(failure, slot: slot))
    case .notStarted(let error, let step, let slot):
      publishingResult(before: .notStarted(error, in: "step '\(step.name)': ", slot: slot))
    case .outputNotKept(let error, let step, let slot):
      .commandRefused(
        .inputOutputError,
        reason: "the output of step '\(step.name)' in \(configuration.spoolDirectory): \(error.reason)", slot: slot)
    case .passed(let item, let output, let slot): startLast(on: item, output, slot: slot)
    }
  }

  /// The steps are passed, and the runner's own command follows, if there is one.
  private func startLast(on item: WorkItem, _ output: OutputFile?, slot: Int) -> RunnerEvent? {
    do {
      let isStarted = try retryingOnShortage { try workers.startLast(on: item, output, slot: slot) }
      guard !isStarted else { return nil }
      return publishingResult(output, before: .workerEnded(.exited(0), slot: slot))
    } catch { return publishingResult(before: .notStarted(error, slot: slot)) }
  }
}

extension RunnerEvent {
  /// The worker could not be started, either on this item or on any. `place` comes before the reason.
  static func notStarted(_ error: any Error, in place: String = "", slot: Int) -> RunnerEvent {
    let reason = place + SystemError.reason(of: error)
    if error is OutputNotKept || error is InputNotKept {
      return .commandRefused(.inputOutputError, reason: reason, slot: slot)
    }
    guard let error = error as? SystemError, let status = ExitStatus(refusedCommand: error) else {
      return .workerDidNotStart(reason: reason, slot: slot)
    }
    return .commandRefused(status, reason: reason, slot: slot)
  }
}

extension EventLoop.Configuration {
  /// The workers of the steps; nil if there are none. With `keepsOutput`, what the last step writes is kept even if no command
  /// follows it.
  func stepWorkers(limit: Duration, keepsOutput: Bool) -> StepWorkers? {
    guard !steps.places.isEmpty else { return nil }
    return StepWorkers(
      steps.places, hasCommand: worker != nil, keepsOutput: keepsOutput, spoolDirectory: spoolDirectory, limit: limit,
      version: steps.version, now: .now)
  }
}
