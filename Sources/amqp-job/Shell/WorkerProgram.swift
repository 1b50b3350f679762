import Arguments
import Console
import Linux

extension ProcessGroups.Program {
  /// Finds the command of a worker, before any item is taken. The environment is set later.
  /// - Throws: `Failure`
  init(command: [[UInt8]], searchPath: String) throws {
    let words = command.map { String(decoding: $0, as: UTF8.self) }
    do {
      let path = try CommandLookup.path(of: words[0], searchPath: searchPath)
      self.init(path: path, arguments: command, environment: [])
    } catch {
      switch error {
      case .notFound(let what, let hint):
        let cause = (hint ?? Self.advice(words)).map { ": \($0)" } ?? ""
        throw Failure(.commandNotFound, "command not found: \(what)\(cause); nothing was taken")
      case .notExecutable(let what, let reason):
        throw Failure(.notExecutable, "command cannot be executed: \(what): \(reason); nothing was taken")
      }
    }
  }

  /// What may have been meant by a command whose first word names no program.
  private static func advice(_ words: [String]) -> String? {
    if let quoted = QuotedCommand(words) { return quoted.advice }
    if !words[0].contains("/"), SmallFile.isRegular("./\(words[0])") {
      return "it is looked for in PATH; for the file of this directory, write ./\(words[0])"
    }
    return words.dropFirst().first == "--" ? "if that is the queue, write -q \(words[0])" : nil
  }
}
