internal import Linux

/// Where one item is on its way through the steps. A step begins only when the one before it has exited 0.
struct StepSequence: Hashable, Sendable {
  enum Next: Hashable, Sendable {
    case step(Int)
    /// The item has passed all steps.
    case passed
    case failed(ProcessStatus)
  }

  private static let endings = Signal.endings + [.kill]

  private let stepCount: Int
  /// The runner's own command follows the last step.
  private let hasCommand: Bool
  private(set) var current = 0
  /// The signal by which the worker was told to end.
  private(set) var interruption: Signal?

  init(stepCount: Int, hasCommand: Bool) { (self.stepCount, self.hasCommand) = (stepCount, hasCommand) }

  mutating func signalled(_ signal: Signal) {
    if Self.endings.contains(signal) { interruption = signal }
  }

  /// The current step's worker has ended. Nothing begins after the item's worker was told to end.
  mutating func ended(_ status: ProcessStatus) -> Next {
    guard status == .exited(0) else { return .failed(status) }
    let isLast = current + 1 == stepCount
    if isLast, !hasCommand { return .passed }
    if let interruption { return .failed(.killed(interruption)) }
    if isLast { return .passed }
    current += 1
    return .step(current)
  }
}
