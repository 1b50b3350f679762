import Glibc

/// Finds the program that a command names, as `execvp` would, without running it.
public enum CommandLookup {
  public enum Failure: Error, Hashable, Sendable {
    /// `what` is the command, or the interpreter that its first line names.
    case notFound(what: String)
    case notExecutable(what: String, reason: String)
  }

  /// The path to hand to exec. A command with a slash is a path; any other is looked for in `searchPath`.
  /// - Throws: `Failure`
  public static func path(of command: String, searchPath: String) throws(Failure) -> String {
    guard !command.isEmpty else { throw .notFound(what: "''") }
    guard !command.contains("/") else {
      try check(command)
      return command
    }
    var obstacle: Failure?
    for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = (directory.isEmpty ? "." : String(directory)) + "/" + command
      do {
        try check(candidate)
        return candidate
      } catch {
        if case .notFound(what: candidate) = error { continue }
        obstacle = obstacle ?? error
      }
    }
    throw obstacle ?? .notFound(what: command)
  }

  private static func check(_ path: String) throws(Failure) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      switch errno {
      case ENOENT, ENOTDIR: throw .notFound(what: path)
      default: throw .notExecutable(what: path, reason: String(cString: strerror(errno)))
      }
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .notExecutable(what: path, reason: "not a regular file")
    }
    guard access(path, X_OK) == 0 else {
      throw .notExecutable(what: path, reason: String(cString: strerror(errno)))
    }
    guard let interpreter = interpreter(of: path) else { return }
    let what = "\(path)'s interpreter \(interpreter)"
    guard stat(interpreter, &status) == 0 else { throw .notFound(what: what) }
    guard status.st_mode & S_IFMT == S_IFREG, access(interpreter, X_OK) == 0 else {
      throw .notExecutable(what: what, reason: "not an executable file")
    }
  }

  /// What a script's `#!` line names; nil for what is no script, or cannot be read.
  private static func interpreter(of path: String) -> String? {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return nil }
    let file = Descriptor(owning: number)
    var start = [UInt8](repeating: 0, count: 256)
    guard case .bytes(let count)? = try? file.read(into: &start), count > 2,
      start.starts(with: Array("#!".utf8))
    else { return nil }
    let line = start[2..<count].prefix { $0 != UInt8(ascii: "\n") }
    let word = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      .prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") && $0 != UInt8(ascii: "\r") }
    return word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
  }
}
