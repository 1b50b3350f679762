public import ArgumentParser
public import JobRunner

extension Logger.Format: ExpressibleByArgument {}

/// How much to say, and in which form.
struct LogOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Log every item and every step.")
  var verbose = false

  @Flag(help: "Log errors only.")
  var quiet = false

  @Option(help: ArgumentHelp("text or json; json logs every item.", valueName: "format"))
  var logFormat: Logger.Format?

  func reporter(_ settings: inout Settings) throws -> Reporter {
    let format = try settings.value(logFormat, "log-format") ?? .text
    let isVerbose = try settings.flag(verbose, "verbose")
    let isQuiet = try settings.flag(quiet, "quiet")
    guard !(isVerbose && isQuiet) else {
      throw Failure(.usage, "--verbose and --quiet exclude each other")
    }
    let threshold: LogEntry.Level =
      isQuiet ? .error : isVerbose || format == .json ? .info : .notice
    return Reporter(Logger(format: format, threshold: threshold))
  }
}
