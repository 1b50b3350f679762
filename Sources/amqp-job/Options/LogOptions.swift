import Arguments
import Console
import Linux

/// How much to say, in which form, and where.
enum LogOptions {
  /// `verbose`: what the command logs with that, which it logs as JSON, too.
  static func group(verbose: String) -> OptionGroup {
    OptionGroup(
      "Log",
      [
        Option("verbose", short: "v", "log \(verbose), too").everyday,
        Option("quiet", "log errors only"),
        Option("log-format", value: "text|json", "the form of the log; as json it has what --verbose adds"),
        Option("log-time", "begin each line of the log with its time; as json it always has it"),
        Option("log-file", value: "PATH", "append the log to this file; standard error has the errors, too"),
      ])
  }

  /// - Throws: `Failure`
  static func reporter(_ settings: inout Settings) throws -> Reporter {
    let form = Form(format: try settings.choice("log-format") ?? .text, isTimed: try settings.flag("log-time"))
    var (isVerbose, isQuiet) = (settings.given.contains("verbose"), settings.given.contains("quiet"))
    if !isVerbose && !isQuiet { (isVerbose, isQuiet) = (try settings.flag("verbose"), try settings.flag("quiet")) }
    guard !(isVerbose && isQuiet) else { throw Failure(.usage, "--verbose and --quiet exclude each other") }
    let threshold: LogEntry.Level = isQuiet ? .error : isVerbose || form.format == .json ? .info : .notice
    return form.reporter(threshold, file: try file(&settings))
  }

  /// For the error that a command ends with. What was wrongly asked for is not heeded.
  static func lastReporter(_ arguments: Arguments) -> Reporter {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let form = Form(
      format: (try? settings.choice("log-format")) ?? .text, isTimed: (try? settings.flag("log-time")) ?? false)
    return form.reporter(.error, file: try? file(&settings))
  }

  /// - Throws: `Failure`
  private static func file(_ settings: inout Settings) throws -> LogFile? {
    guard let path = try settings.setting("log-file") else { return nil }
    do throws(SystemError) { return try LogFile(path: path.text) } catch {
      throw Failure(.inputOutputError, "cannot open the log file \(path.text): \(error.reason) (\(path.source))")
    }
  }

  private struct Form {
    let format: Logger.Format
    let isTimed: Bool

    func reporter(_ threshold: LogEntry.Level, file: LogFile?) -> Reporter {
      let write = ThisProcess.writeToStandardError
      guard let file else { return Reporter(logger(threshold, write)) }
      // What the file does not take is not lost.
      let log = logger(threshold) { line in if !file.append(line) { write(line) } }
      return Reporter(log, errors: logger(.error, write))
    }

    private func logger(_ threshold: LogEntry.Level, _ write: @escaping @Sendable (String) -> Void) -> Logger {
      Logger(format: format, threshold: threshold, time: isTimed || format == .json ? Self.time : nil, write: write)
    }

    @Sendable private static func time() -> String {
      utcText(millisecondsSince1970: UInt64(ThisProcess.timeOfDay * 1000))
    }
  }
}
