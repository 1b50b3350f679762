internal import Broker

/// What a runner is doing at a moment, as far as its metrics tell.
package struct RunnerState: Hashable, Sendable {
  /// How many items were delivered to the runner, and were run or had no attempt left.
  package var consumedCount = 0
  package var busyWorkerCount = 0
  /// How many logins have succeeded.
  package var loginCount = 0
  package var isConnected = false
  /// The runner is connected, and has its queue.
  package var isServing = false

  package init() {}
}

extension Runner {
  var state: RunnerState {
    var state = RunnerState()
    state.consumedCount = tally.taken
    state.busyWorkerCount = workers.count
    state.loginCount = session.loginCount
    state.isServing = isServing
    state.isConnected = session.hasLoggedIn && session.failure == nil && phase != .connecting
    return state
  }
}
