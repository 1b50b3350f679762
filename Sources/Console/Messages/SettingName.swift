/// The name of a setting that a message may mention. The message carries this value, and the program that prints the message
/// spells it.
package enum SettingName: String, Hashable, Sendable, CaseIterable {
  case anyQueue = "any-queue"
  case assume
  case batchWait = "batch-wait"
  case completions
  case connectTimeout = "connect-timeout"
  case count
  case drainTimeout = "drain-timeout"
  case exchange
  case finishWindow = "finish-window"
  case forever
  case keepStandardError = "keep-stderr"
  case livenessFile = "liveness-file"
  case maxAttempts = "max-attempts"
  case maxItemAge = "max-item-age"
  case maxItemSize = "max-item-size"
  case onFailure = "on-failure"
  case passEnvironment = "pass-env"
  case plain
  case rejectOn = "reject-on"
  case retryDelay = "retry-delay"
  case skip
  case spoolDirectory = "spool-dir"
  case timeout
  case tlsServerName = "tls-server-name"
}
