import Broker
import Console

extension CredentialNotice {
  /// As a line of the log.
  var entry: LogEntry {
    switch self {
    case .renewed(let path): LogEntry(.info, "the broker has taken the new token in \(path)")
    case .expires(let path, let left, let problem) where left > .zero:
      LogEntry(.warning, "the token from \(path) runs out in \(left.text), and there is no other: \(problem)")
    case .expires(let path, _, let problem):
      LogEntry(.warning, "the token from \(path) has run out, and there is no other: \(problem)")
    case .notUsed(let line): LogEntry(.warning, "\(line)")
    }
  }
}
