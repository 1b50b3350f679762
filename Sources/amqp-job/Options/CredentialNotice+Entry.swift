import Broker
import Console

extension CredentialNotice {
  /// The notice as a log entry.
  var entry: LogEntry {
    switch self {
    case .renewed(let path): LogEntry(.info, "the broker has taken the new token in \(path)")
    case .runsOut(let path, let left, let reason) where left > .zero:
      LogEntry(.warning, "the token from \(path) runs out in \(left.text), and there is no other: \(reason)")
    case .runsOut(let path, _, let reason):
      LogEntry(.warning, "the token from \(path) has run out, and there is no other: \(reason)")
    case .notUsed(let line): LogEntry(.warning, "\(line)")
    }
  }
}
