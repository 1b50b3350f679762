import Glibc

/// Finds the program that a command names, as `execvp` does, but without running it.
package enum CommandLookup {
  package enum Failure: Error, Hashable, Sendable {
    /// `what` is the command, or the interpreter that a script's first line names. `hint` is the likely cause.
    case notFound(what: String, hint: String? = nil)
    /// `path` is the file to which nobody has the permission to execute it.
    case notExecutable(what: String, reason: String, path: String? = nil)
  }

  /// The maximum number of scripts that the kernel follows if each is the interpreter of the one before.
  private static let maxScriptDepth = 5

  /// The path to pass to exec. A command that contains a slash is a path. Any other command is searched for in
  /// `searchPath`, which has the form of `PATH`.
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
    var firstFailure: Failure?
    for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = (directory.isEmpty ? "." : String(directory)) + "/" + command
      do {
        try check(candidate, called: candidate, searchPath: searchPath, depth: depth)
        return candidate
      } catch {
        if case .notFound(what: candidate, hint: nil) = error { continue }
        firstFailure = firstFailure ?? error
      }
    }
    throw firstFailure ?? .notFound(what: name, hint: depth == 0 ? hint(for: command) : nil)
  }

  /// For a command that is not in the search path.
  private static func hint(for command: String) -> String? {
    var status = stat()
    guard stat("./\(command)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return "it is in this directory, so write ./\(command)"
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
      let mayNobody = status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) == 0
      throw .notExecutable(
        what: name, reason: String(cString: strerror(errno)), path: mayNobody ? path : nil)
    }
    let line: ScriptLine?
    do { line = try ScriptLine(beginning(of: path)) } catch {
      let max = ScriptLine.examinedSize - 1
      throw .notExecutable(what: name, reason: "its first line is longer than the \(max) bytes that Linux reads")
    }
    guard let line else { return }
    guard depth < maxScriptDepth else { throw .notExecutable(what: name, reason: String(cString: strerror(ELOOP))) }
    try check(line, of: path, searchPath: searchPath, depth: depth + 1)
  }

  private static func check(
    _ line: ScriptLine, of script: String, searchPath: String, depth: Int
  ) throws(Failure) {
    let windows = "the script has Windows line endings (CR LF)"
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
    if line.argumentEndsInCarriageReturn, line.interpreterRejectsCarriageReturn, let argument = line.argument {
      let reason = "\(windows), so the argument of its interpreter is \(visible(argument))"
      throw .notExecutable(what: script, reason: reason)
    }
  }

  private static func visible(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.flatMap { $0 == "\r" ? ["\\", "r"] : [$0] }))
  }

  /// The bytes of a file that the kernel examines to learn its format. Empty if the file cannot be read.
  private static func beginning(of path: String) -> [UInt8] {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return [] }
    let file = Descriptor(owning: number)
    var start = [UInt8](repeating: 0, count: ScriptLine.examinedSize)
    guard case .bytes(let count)? = try? file.read(into: &start) else { return [] }
    return Array(start[..<count])
  }
}
