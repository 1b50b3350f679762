extension PoptCommand {
  package enum Scanned: Hashable, Sendable {
    case arguments(PoptArguments)
    case helpRequested
    case usageRequested
  }

  /// Reads arguments by popt's rules: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, `-ab` for
  /// options without a value, and options and operands in any order. After `--` no word is an option.
  /// - Throws: `UsageError`, in popt's words
  package func scan(_ words: [[UInt8]]) throws(UsageError) -> Scanned {
    var scan = Scan(words: words, options: allOptions)
    while let word = scan.next() {
      guard word.count > 1, word[0] == .dash else {
        scan.arguments.operands.append(word)
        if operands == .command { scan.takeRest() }
        continue
      }
      if word == [.dash, .dash] {
        scan.takeRest()
      } else if word[1] == .dash {
        try scan.takeLong(word.dropFirst(2))
      } else {
        try scan.takeBundle(word.dropFirst())
      }
      if let request = scan.request { return request }
    }
    if operands == .command, scan.arguments.operands.isEmpty, let missingCommand {
      throw UsageError(missingCommand)
    }
    if operands == .none, let first = scan.arguments.operands.first {
      throw UsageError("unexpected operand: \(String(decoding: first, as: UTF8.self))")
    }
    return .arguments(scan.arguments)
  }
}

private struct Scan {
  let words: [[UInt8]]
  let options: [PoptDefinition]
  var arguments = PoptArguments()
  /// A request that ends the scan.
  var request: PoptCommand.Scanned?
  private var position = 0

  init(words: [[UInt8]], options: [PoptDefinition]) {
    self.words = words
    self.options = options
  }

  mutating func next() -> [UInt8]? {
    guard position < words.count else { return nil }
    position += 1
    return words[position - 1]
  }

  mutating func takeRest() {
    arguments.operands += words[position...]
    position = words.count
  }

  mutating func takeLong(_ word: ArraySlice<UInt8>) throws(UsageError) {
    let name = word.prefix { $0 != .equals }
    guard let option = options.first(where: { name.elementsEqual($0.name.utf8) }) else { throw unknown() }
    try take(option, attached: name.endIndex < word.endIndex ? word[name.endIndex...].dropFirst() : nil)
  }

  /// Takes a word of letters, of which the last may have a value.
  mutating func takeBundle(_ word: ArraySlice<UInt8>) throws(UsageError) {
    var letters = word
    while let letter = letters.popFirst(), request == nil {
      guard let option = options.first(where: { $0.short?.asciiValue == letter }) else { throw unknown() }
      let value = letters.first == .equals ? letters.dropFirst() : letters
      if option.valueName != nil || letters.first == .equals {
        return try take(option, attached: letters.isEmpty ? nil : value)
      }
      try take(option, attached: nil)
    }
  }

  private mutating func take(_ option: PoptDefinition, attached: ArraySlice<UInt8>?) throws(UsageError) {
    if option.valueName == nil {
      guard attached == nil else { throw error("option does not take an argument") }
      switch option.name {
      case PoptCommand.help.name: request = .helpRequested
      case PoptCommand.usage.name: request = .usageRequested
      default: add(option, [])
      }
      return
    }
    guard let value = attached.map(Array.init) ?? next() else { throw error("missing argument") }
    if case .number = option.kind {
      switch PoptNumber(value) {
      case .value: break
      case .tooLarge: throw error("number too large or too small")
      case .notANumber: throw error("invalid numeric value")
      }
    }
    add(option, value)
  }

  private mutating func add(_ option: PoptDefinition, _ value: [UInt8]) {
    arguments.given.append(.init(option: option.name, value: value, position: position - 1))
  }

  /// An error that names the latest word, as popt's errors do.
  private func error(_ problem: String) -> UsageError {
    UsageError("\(String(decoding: words[position - 1], as: UTF8.self)): \(problem)")
  }

  /// The error for an unknown option. It leaves out the text after `=`, which may be a password after a misspelt `--password`.
  private func unknown() -> UsageError {
    UsageError("\(String(decoding: words[position - 1].prefix { $0 != .equals }, as: UTF8.self)): unknown option")
  }
}
