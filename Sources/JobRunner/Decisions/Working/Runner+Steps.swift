internal import Console

/// Steps, which are workers in other containers.
extension Runner {
  /// Nothing is taken before every step answers.
  mutating func awaitSteps() -> [RunnerAction] {
    phase = .awaitingSteps
    return [.set(.connectLimit, after: options.connection.connectTimeout)]
  }

  mutating func stepChanged(_ event: RunnerEvent) -> [RunnerAction] {
    switch event {
    case .stepsReady: return phase == .awaitingSteps && !isStopping ? begin() : []
    case .stepSilent(let step, let reason):
      guard phase == .awaitingSteps, !isStopping else { return [] }
      let limit = options.connection.connectTimeout.limitText
      guard report.silent(step) else { return [] }
      return [said(.notice, "step '\(step.name)' does not answer at \(step.path): \(reason); trying for \(limit)")]
    case .stepAnswered(let step):
      report.answered(step)
      return []
    case .stepRefused(let step, let reason):
      guard !isStopping else { return [] }
      return breakOff(.wrongQueue, "step '\(step.name)' at \(step.path) cannot work for this runner: \(reason)")
    case .stepUnavailable(let step, let reason, let slot): return stepUnavailable(step, reason, in: slot)
    default: return []
    }
  }

  /// The steps have had their time to answer.
  mutating func stepsLimitReached() -> [RunnerAction] {
    let silent = report.silentSteps.map { "step '\($0.name)' at \($0.path)" }.joined(separator: ", ")
    return breakOff(
      .unreachable,
      "not all steps answer\(silent.isEmpty ? "" : ", \(silent) does not"); gave up after \(options.connection.connectTimeout.text)\(naming: .connectTimeout)"
    )
  }

  /// The step that the item needs has not come back, so nobody can run it.
  private mutating func stepUnavailable(_ step: StepPlace, _ reason: String, in index: Int) -> [RunnerAction] {
    commandRefused(.unreachable, "step '\(step.name)' at \(step.path): \(reason)", in: index)
  }
}
