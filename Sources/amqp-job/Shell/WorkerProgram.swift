import Arguments
import Console
import Linux

extension ProcessGroups.Program {
  /// Finds the command of a worker. The environment is set later. With `beforeItems`, the program would take items from a queue, and
  /// has not begun.
  /// - Throws: `Failure`
  init(command: [[UInt8]], searchPath: String, beforeItems: Bool) throws {
    let nothing = beforeItems ? "; nothing was taken" : ""
    let words = command.map { String(decoding: $0, as: UTF8.self) }
    do {
      let path = try CommandLookup.path(of: words[0], searchPath: searchPath)
      self.init(path: path, arguments: command, environment: [])
    } catch {
      switch error {
      case .notFound(let what, let hint):
        let queue = beforeItems ? Self.misplacedQueue(words) : nil
        let cause = (hint ?? QuotedCommand(words)?.advice ?? queue).map { ": \($0)" } ?? ""
        throw Failure(.commandNotFound, "command not found: \(what)\(cause)\(nothing)")
      case .notExecutable(let what, let reason, let path):
        let cure = path.map { " ('chmod +x \($0.shellWord)' permits it)" } ?? ""
        throw Failure(.notExecutable, "command cannot be executed: \(what): \(reason)\(cure)\(nothing)")
      }
    }
  }

  /// Other commands take the queue as an argument.
  private static func misplacedQueue(_ words: [String]) -> String? {
    words.dropFirst().contains("--")
      ? "it stands for the command; if it is the queue, write -q \(words[0].shellWord)" : nil
  }
}
