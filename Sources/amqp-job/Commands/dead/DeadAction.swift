import Arguments
import Console

extension Dead {
  enum Action: String, CaseIterable {
    case list
    case show
    case replay
    case purge

    /// What other programs call the actions.
    private static let synonyms = [
      list: ["ls", "get", "count", "status"], show: ["cat", "view", "describe", "peek", "body", "inspect"],
      replay: ["retry", "requeue", "resend", "redrive", "redeliver", "republish", "restore"],
      purge: ["rm", "delete", "remove", "drop", "clear", "clean", "empty", "flush", "discard"],
    ].reduce(into: [String: String]()) { words, action in
      for word in action.value { words[word] = action.key.rawValue }
    }

    /// The options that only some of the actions have.
    var options: [any CommandOption] {
      switch self {
      case .list: DeadLetterOptions.options + [Dead.limit, Dead.json]
      case .show: [DeadLetterOptions.id, DeadLetterOptions.position, Dead.json, Dead.standardError]
      case .replay: DeadLetterOptions.options + [Dead.limit, Dead.dryRun]
      case .purge: DeadLetterOptions.options + [Dead.dryRun]
      }
    }

    /// - Throws: `UsageError` for another word, and for an option that does not go with the action
    init(_ word: String, _ settings: Settings) throws {
      guard let action = Self(rawValue: word) else {
        // The action was probably left out before the queue.
        let isAlone = try settings.operands().count == 1
        let listing = "; 'amqp-job dead list \(word.shellWord)' lists the dead letters of a queue of that name"
        throw Dead.definition.notAChoice(word, synonyms: Self.synonyms, otherwise: isAlone ? listing : "")
      }
      let own = Set(action.options.map(\.name))
      let foreign = Self.allCases.flatMap(\.options).filter { !own.contains($0.name) }
      if let option = foreign.filter({ settings.isGiven($0) }).min(by: { $0.name < $1.name }) {
        throw UsageError("\(option) does not go with \(action.rawValue)")
      }
      self = action
    }
  }
}
