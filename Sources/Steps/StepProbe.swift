internal import Linux

/// Looks whether a step waits for items.
package enum StepProbe {
  private static let limit: Duration = .seconds(3)

  /// Why the step at this path does not answer. nil if it does.
  package static func silence(of path: String) -> String? {
    do throws(SystemError) {
      let connection = try StepConnection(path: path)
      let end = ContinuousClock.now + limit
      while .now < end {
        switch connection.receive() {
        // A step greets whoever connects.
        case .message(.hello, _): return nil
        case .message, .unknown: return "this is no step"
        case .ended: return "it has closed the connection"
        case .nothing: _ = try poll([connection.interest], until: end)
        }
      }
      return "it does not answer"
    } catch {
      return error.reason
    }
  }
}
