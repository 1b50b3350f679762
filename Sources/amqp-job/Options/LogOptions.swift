import Arguments
import JobRunner
import Linux

/// How much to say, and in which form.
enum LogOptions {
  static let group = OptionGroup(
    "Log",
    [
      Option("verbose", short: "v", "log more; run: every item and every step").everyday,
      Option("quiet", "log errors only"),
      Option("log-format", value: "text|json", "the form of the log; run logs every item as json"),
    ])

  /// The form of the log; text, where what was asked for is none.
  static func format(_ arguments: Arguments) -> Logger.Format {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    return (try? settings.choice("log-format")) ?? .text
  }

  /// - Throws: `Failure`
  static func reporter(_ settings: inout Settings) throws -> Reporter {
    let format: Logger.Format = try settings.choice("log-format") ?? .text
    var (isVerbose, isQuiet) = (settings.given.contains("verbose"), settings.given.contains("quiet"))
    if !isVerbose && !isQuiet { (isVerbose, isQuiet) = (try settings.flag("verbose"), try settings.flag("quiet")) }
    guard !(isVerbose && isQuiet) else { throw Failure(.usage, "--verbose and --quiet exclude each other") }
    let threshold: LogEntry.Level = isQuiet ? .error : isVerbose || format == .json ? .info : .notice
    return Reporter(Logger(format: format, threshold: threshold))
  }
}
