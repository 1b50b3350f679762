import Broker
import Console

extension CredentialNotice {
  /// As a line of the log.
  var entry: LogEntry {
    switch self {
    case .renewed(let path): LogEntry(.info, "the broker has taken the new token in \(path)")
    case .runsOut(let path, let left, let obstacle) where left > .zero:
      LogEntry(.warning, "the token from \(path) runs out in \(left.text), and there is no other: \(obstacle)")
    case .runsOut(let path, _, let obstacle):
      LogEntry(.warning, "the token from \(path) has run out, and there is no other: \(obstacle)")
    case .notUsed(let line): LogEntry(.warning, "\(line)")
    }
  }
}
