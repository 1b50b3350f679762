import Arguments
import Console
import Linux

/// The options that say what to log, in which form, and where.
enum LogOptions {
  static let verbose = Flag("verbose", short: "v", "").common
  static let quiet = Flag("quiet", "log errors only")
  static let format = DefaultedOption("log-format", .choice, default: Logger.Format.text) { _ in
    "format of the log; json includes what \(verbose) adds"
  }
  static let time = Flag("log-time", "begin each line of the log with the time; json always has it")
  static let file = Option(
    "log-file", .setting("PATH"), "append the log to this file; errors also go to standard error")

  /// The group of log options. `verbose` describes the lines that the command logs only with `--verbose` or as JSON.
  static func group(verbose: String) -> OptionGroup {
    OptionGroup(
      "Log",
      [
        Self.verbose.described("also log \(verbose)"), quiet, format, time, file,
      ])
  }

  /// - Throws: `Failure`, `UsageError`
  static func reporter(_ settings: inout Settings) throws -> Reporter {
    let form = Form(
      program: .amqpJob(settingsFrom: settings.variables), format: try settings.value(format),
      isTimed: try settings.value(time))
    var (isVerbose, isQuiet) = (settings.isGiven(verbose), settings.isGiven(quiet))
    if !isVerbose && !isQuiet { (isVerbose, isQuiet) = (try settings.value(verbose), try settings.value(quiet)) }
    guard !(isVerbose && isQuiet) else {
      throw UsageError("\(settings.naming(verbose)) and \(settings.naming(quiet)) exclude each other")
    }
    let threshold: LogEntry.Level = isQuiet ? .error : isVerbose || form.format == .json ? .info : .notice
    return form.reporter(threshold, file: try file(&settings))
  }

  /// The reporter for an error in the words of the command line.
  static func lastReporter(_ words: [[UInt8]]) -> Reporter {
    let options = Command(tool: Main.tool, name: "", summary: "", examples: [], groups: [group(verbose: "")])
    return lastReporter(options.readableOptions(in: words))
  }

  /// The reporter for the error that ends a command. It ignores log options that cannot be read.
  static func lastReporter(_ arguments: Arguments) -> Reporter {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let form = Form(
      program: .amqpJob(settingsFrom: settings.variables), format: (try? settings.value(format)) ?? format.defaultValue,
      isTimed: (try? settings.value(time)) ?? false)
    return form.reporter(.error, file: try? file(&settings))
  }

  /// - Throws: `Failure`
  private static func file(_ settings: inout Settings) throws -> LogFile? {
    guard let path = try settings.value(file) else { return nil }
    return try open(path, called: "log file")
  }

  /// Opens a file to append lines to. If it has none yet, `header` becomes the first one.
  static func open(_ path: Setting, called name: String, header: String? = nil) throws(Failure) -> LogFile {
    do throws(SystemError) {
      let file = try LogFile(path: path.text)
      if let header { try file.begin(with: header) }
      return file
    } catch {
      throw Failure(.inputOutputError, "cannot open the \(name) \(path.text): \(error.reason) (\(path.source))")
    }
  }

  private struct Form {
    let program: Program
    let format: Logger.Format
    let isTimed: Bool

    func reporter(_ threshold: LogEntry.Level, file: LogFile?) -> Reporter {
      let write = ThisProcess.writeToStandardError
      guard let file else { return Reporter(logger(threshold, write)) }
      // A line that the file does not take goes to standard error.
      let log = logger(threshold) { line in if !file.append(line) { write(line) } }
      return Reporter(log, errors: logger(.error, write))
    }

    private func logger(_ threshold: LogEntry.Level, _ write: @escaping @Sendable (String) -> Void) -> Logger {
      Logger(
        program: program, format: format, threshold: threshold, time: isTimed || format == .json ? Self.time : nil,
        write: write)
    }

    @Sendable private static func time() -> String {
      utcText(millisecondsSince1970: UInt64(ThisProcess.timeOfDay * 1000))
    }
  }
}
