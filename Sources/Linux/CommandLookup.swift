import Glibc

/// Finds the program that a command names, as `execvp` would, without running it.
package enum CommandLookup {
  package enum Failure: Error, Hashable, Sendable {
    /// `what` is the command, or an interpreter that a script's first line names; `hint` is the likely cause.
    case notFound(what: String, hint: String? = nil)
    case notExecutable(what: String, reason: String)
  }

  /// How many scripts the kernel follows, each the interpreter of the one before.
  private static let mostScripts = 5

  /// The path to hand to exec. A command with a slash is a path; any other is looked for in `searchPath`.
  /// - Throws: `Failure`
  package static func path(of command: String, searchPath: String) throws(Failure) -> String {
    try path(of: command, called: command, searchPath: searchPath, depth: 0)
  }

  private static func path(
    of command: String, called name: String, searchPath: String, depth: Int
  ) throws(Failure) -> String {
    guard !command.isEmpty else { throw .notFound(what: "''") }
    guard !command.contains("/") else {
      try check(command, called: name, searchPath: searchPath, depth: depth)
      return command
    }
    var obstacle: Failure?
    for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = (directory.isEmpty ? "." : String(directory)) + "/" + command
      do {
        try check(candidate, called: candidate, searchPath: searchPath, depth: depth)
        return candidate
      } catch {
        if case .notFound(what: candidate, hint: nil) = error { continue }
        obstacle = obstacle ?? error
      }
    }
    throw obstacle ?? .notFound(what: name)
  }

  private static func check(_ path: String, called name: String, searchPath: String, depth: Int) throws(Failure) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      switch errno {
      case ENOENT, ENOTDIR: throw .notFound(what: name)
      case let code: throw .notExecutable(what: name, reason: String(cString: strerror(code)))
      }
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notExecutable(what: name, reason: "not a regular file") }
    guard access(path, X_OK) == 0 else {
      throw .notExecutable(what: name, reason: String(cString: strerror(errno)))
    }
    let line: ScriptLine?
    do { line = try ScriptLine(beginning(of: path)) } catch {
      let most = ScriptLine.window - 1
      throw .notExecutable(what: name, reason: "its first line is longer than the \(most) bytes that Linux reads of it")
    }
    guard let line else { return }
    guard depth < mostScripts else { throw .notExecutable(what: name, reason: String(cString: strerror(ELOOP))) }
    try check(line, of: path, searchPath: searchPath, depth: depth + 1)
  }

  private static func check(
    _ line: ScriptLine, of script: String, searchPath: String, depth: Int
  ) throws(Failure) {
    let windows = "the script has Windows line ends (CR LF)"
    var wanted = line.interpreter
    var name: String { "\(script)'s interpreter \(visible(wanted))" }
    do {
      try check(wanted, called: name, searchPath: searchPath, depth: depth)
      if let program = line.nameForEnv {
        wanted = program
        _ = try path(of: wanted, called: name, searchPath: searchPath, depth: depth)
      }
    } catch .notFound(what: name, hint: nil) where wanted.utf8.last == UInt8(ascii: "\r") {
      throw .notFound(what: name, hint: windows)
    }
    if line.argumentEndsInCarriageReturn, line.interpreterMindsThat, let argument = line.argument {
      let reason = "\(windows), so the argument of its interpreter is \(visible(argument))"
      throw .notExecutable(what: script, reason: reason)
    }
  }

  private static func visible(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.flatMap { $0 == "\r" ? ["\\", "r"] : [$0] }))
  }

  /// As much of a file as the kernel reads to see what it is; nothing where it cannot be read.
  private static func beginning(of path: String) -> [UInt8] {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return [] }
    let file = Descriptor(owning: number)
    var start = [UInt8](repeating: 0, count: ScriptLine.window)
    guard case .bytes(let count)? = try? file.read(into: &start) else { return [] }
    return Array(start[..<count])
  }
}
