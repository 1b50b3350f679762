package import HTTP

/// Where names and items come from.
package enum SourceAddress: Hashable, Sendable, CustomStringConvertible {
  package struct FormError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
  }

  case http(HTTPOrigin)
  /// The files of a directory, or those that match a shell pattern.
  case directory(String, pattern: String?)
  /// A command line for the shell.
  case command(String)

  /// Reads `http://host:port/path`, `dir:PATH`, `dir:PATH/*.mp4` or `command:COMMAND`.
  package init(parsing text: String) throws(FormError) {
    if text.hasPrefix("dir:") {
      self = try Self.directory(String(text.dropFirst(4)))
    } else if text.hasPrefix("command:") {
      let command = String(text.dropFirst(8))
      guard command.contains(where: { !$0.isWhitespace }) else { throw FormError(description: "the command is empty") }
      self = .command(command)
    } else if text.lowercased().hasPrefix("https://") {
      throw FormError(description: "there is no TLS for sources: it is http://, or a command that fetches the names")
    } else if text.lowercased().hasPrefix("http://") {
      do { self = .http(try HTTPOrigin(parsing: text)) } catch { throw FormError(description: "\(error)") }
    } else {
      throw FormError(description: "it is http://HOST:PORT, dir:PATH or command:COMMAND")
    }
  }

  private static func directory(_ path: String) throws(FormError) -> SourceAddress {
    guard !path.isEmpty else { throw FormError(description: "the directory is missing") }
    guard let slash = path.lastIndex(of: "/") else {
      return isPattern(path) ? .directory(".", pattern: path) : .directory(path, pattern: nil)
    }
    let last = path[path.index(after: slash)...]
    guard isPattern(last) else { return .directory(path, pattern: nil) }
    return .directory(slash == path.startIndex ? "/" : String(path[..<slash]), pattern: String(last))
  }

  private static func isPattern(_ name: some StringProtocol) -> Bool { name.contains { "*?[".contains($0) } }

  /// The source as messages name it. A command may have a secret in it, so it is not repeated.
  package var description: String {
    switch self {
    case .http(let origin): "\(origin)"
    case .directory(let path, let pattern): "dir:\(path)\(pattern.map { (path == "/" ? "" : "/") + $0 } ?? "")"
    case .command: "command"
    }
  }
}
