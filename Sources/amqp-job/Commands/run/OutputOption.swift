import Arguments
import Console
import JobRunner
import Linux

/// What `run --output` says.
enum OutputChoice: Hashable, Sendable {
  case inherit
  case tag
  case json
  case directory(String)

  /// A directory has a slash, so that no further word can be mistaken for one.
  init?(_ text: String) {
    guard !text.contains("/") else {
      self = .directory(text)
      return
    }
    guard let choice = [Self.inherit, .tag, .json].first(where: { $0.text == text }) else { return nil }
    self = choice
  }

  var text: String {
    switch self {
    case .inherit: "inherit"
    case .tag: "tag"
    case .json: "json"
    case .directory(let path): path
    }
  }
}

extension ValueType where Value == OutputChoice {
  static var output: Self {
    Self(
      "inherit|tag|json|DIR", expected: "inherit, tag, json, or a directory with a slash in it, such as ./output",
      parse: { OutputChoice($0) }, text: \.text
    ).offering(["inherit", "tag", "json", "./"])
  }
}

extension Run {
  /// Makes sure that the workers' output can be written where the user wants it.
  /// - Throws: `Failure`, `UsageError`
  static func outputForm(
    _ settings: inout Settings, hasSteps: Bool, hasCommand: Bool, _ options: JobOptions
  ) throws -> OutputForm {
    let choice = try settings.value(output)
    try checkOwner(of: choice, settings, hasSteps: hasSteps, hasCommand: hasCommand, options)
    switch choice {
    case .inherit: return .inherit
    case .tag:
      if options.results == nil { try check(.output, settings) }
      try check(.error, settings)
      return .lines(.tag)
    case .json:
      try check(.output, settings)
      return .lines(.json)
    case .directory(let path): return .files(try directory(path, settings))
    }
  }

  /// What a step writes goes where its container says, except for standard error that is kept.
  private static func checkOwner(
    of choice: OutputChoice, _ settings: Settings, hasSteps: Bool, hasCommand: Bool, _ options: JobOptions
  ) throws {
    if choice != .inherit, let size = options.worker.batch?.size, size > 1 {
      throw UsageError(
        "\(settings.naming(batch)) excludes \(settings.naming(output)) \(choice.text): a batch has one output for all its items"
      )
    }
    guard hasSteps, !hasCommand else { return }
    switch choice {
    case .inherit: return
    case .tag, .json: if options.attempts.keepsStandardError { return }
    case .directory: break
    }
    throw UsageError(
      "\(settings.naming(output)) \(choice.text) goes with a command after the steps: they write in their own containers"
    )
  }

  private static func check(_ stream: OutputStream, _ settings: Settings) throws {
    guard !stream.isClosed else {
      throw Failure(
        .inputOutputError, "\(stream.name) is closed, and \(settings.naming(output)) writes to it; nothing was taken")
    }
  }

  /// The size for which a directory has to have room at the start. How much the workers write is not known.
  private static let smallOutput: UInt64 = 4096

  private static func directory(_ path: String, _ settings: Settings) throws -> OutputDirectory {
    func failure(_ status: ExitStatus, _ error: SystemError) -> Failure {
      let cure = error.isMissing ? "; the directory has to exist ('mkdir -p \(path.shellWord)' makes it)" : ""
      return Failure(
        status,
        "cannot write the workers' output to \(path): \(error.reasonForNoFile) (\(settings.naming(output)))\(cure); nothing was taken"
      )
    }
    let directory: OutputDirectory
    do throws(SystemError) { directory = try OutputDirectory(path) } catch {
      // A directory that the user named wrongly will not exist the next time either.
      throw failure(error.isMissingDirectory ? .usage : .inputOutputError, error)
    }
    do throws(SystemError) { try SpoolDirectory.check(path, size: smallOutput) } catch {
      throw failure(.inputOutputError, error)
    }
    return directory
  }
}

extension OutputStream {
  /// Whether the runner was started without it.
  fileprivate var isClosed: Bool {
    switch self {
    case .output: ThisProcess.isOutputClosed
    case .error: ThisProcess.isErrorClosed
    }
  }
}
