extension Drain.Finding {
  /// Why a queue with this finding is not drained, or not yet known to be drained. nil for a queue that is drained.
  package var reasonNotDrained: String? {
    switch self {
    case .drained: nil
    case .items: "items are ready"
    case .retries: "items wait for another attempt"
    case .returning: "items are on their way back for another attempt"
    case .otherConsumers: "others consume, and may give an item back"
    case .inconclusive: "it gives no answer that can be trusted"
    case .empty: "it has not been empty for long enough to be sure"
    }
  }
}
