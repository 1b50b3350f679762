/// Why arguments cannot be understood.
public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}

extension Command {
  public enum Scanned: Hashable, Sendable {
    case arguments(Arguments)
    case helpRequested
    case fullHelpRequested
  }

  /// Reads arguments by POSIX's guidelines with GNU's long options: `--name value`, `--name=value`,
  /// `-n value`, `-nvalue`, `-ab` for flags, and `--` before what is no option although it looks
  /// like one (<https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/V1_chap12.html>).
  /// - Throws: `UsageError`
  public func scan(_ words: [String]) throws(UsageError) -> Scanned {
    var arguments = Arguments()
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        arguments.take(rest)
        break
      }
      guard word.count > 1, word.hasPrefix("-") else {
        arguments.take(words[(rest.startIndex - 1)..<rest.startIndex])
        guard endsOptions(operandCount: arguments.operands.count) else { continue }
        try checkPlace(of: word, before: rest)
        arguments.take(rest)
        break
      }
      if word == "--help" || word == "-h" { return .helpRequested }
      if word == "--help-all" { return .fullHelpRequested }
      if word.hasPrefix("--") {
        try scanLong(word.dropFirst(2), &rest, into: &arguments)
      } else {
        try scanShort(word.dropFirst(), &rest, into: &arguments)
      }
    }
    try checkOperands(arguments.operands)
    return .arguments(arguments)
  }

  /// Whether the latest operand is another command, whose options are its own.
  private func endsOptions(operandCount: Int) -> Bool {
    switch operands {
    case .rest: true
    case .oneAndRest: operandCount > 1
    default: false
    }
  }

  /// What stands before `--` is no part of the command that follows it, but a word too many.
  private func checkPlace(of word: String, before rest: ArraySlice<String>) throws(UsageError) {
    guard case .oneAndRest(let first, _) = operands, rest.contains("--") else { return }
    throw UsageError("'\(word)' is one argument too many after \(first) and before --")
  }

  private func scanLong(
    _ word: Substring, _ rest: inout ArraySlice<String>, into arguments: inout Arguments
  ) throws(UsageError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let option = options.first(where: { $0.name == parts[0] }) else { throw unknown("--\(parts[0])") }
    let attached = parts.count > 1 ? String(parts[1]) : nil
    if option.value == nil, attached != nil { throw UsageError("--\(option.name) takes no value") }
    try take(option, "--\(option.name)", attached, &rest, into: &arguments)
  }

  private func scanShort(
    _ word: Substring, _ rest: inout ArraySlice<String>, into arguments: inout Arguments
  ) throws(UsageError) {
    var letters = word
    while let letter = letters.popFirst() {
      guard let option = options.first(where: { $0.short == letter }) else { throw unknown("-\(letter)") }
      let attached = option.value == nil || letters.isEmpty ? nil : String(letters)
      try take(option, "-\(letter)", attached, &rest, into: &arguments)
      if option.value != nil { return }
    }
  }

  private func take(
    _ option: Option, _ spelling: String, _ attached: String?, _ rest: inout ArraySlice<String>,
    into arguments: inout Arguments
  ) throws(UsageError) {
    guard option.value != nil else {
      arguments.given.append(.init(option: option.name, value: "true"))
      return
    }
    let isNextAValue = option.impliedValue == nil || rest.first.map { option.values.contains($0[...]) } == true
    guard let value = attached ?? (isNextAValue ? rest.popFirst() : option.impliedValue) else {
      throw UsageError("\(spelling) needs a value")
    }
    arguments.given.append(.init(option: option.name, value: value))
  }

  private func unknown(_ spelling: String) -> UsageError {
    var takesCommand = false
    switch operands {
    case .rest, .oneAndRest: takesCommand = true
    default: break
    }
    return UsageError("there is no option \(spelling)" + (takesCommand ? " (another command's options follow --)" : ""))
  }

  private func checkOperands(_ given: [String]) throws(UsageError) {
    switch operands {
    case .none:
      if let first = given.first { throw UsageError("'\(first)' is one argument too many") }
    case .one(let name):
      guard !given.isEmpty else { throw UsageError("\(name) is missing") }
      guard given.count == 1 else { throw UsageError("'\(given[1])' is one argument too many") }
    case .optional:
      guard given.count <= 1 else { throw UsageError("'\(given[1])' is one argument too many") }
    case .oneOrTwo(let name, _):
      guard !given.isEmpty else { throw UsageError("\(name) is missing") }
      guard given.count <= 2 else { throw UsageError("'\(given[2])' is one argument too many") }
    case .rest(let name), .oneAndRest(let name, _):
      guard !given.isEmpty else { throw UsageError("\(name) is missing") }
    case .any: break
    }
  }
}

extension Arguments {
  fileprivate mutating func take(_ words: ArraySlice<String>) {
    operands += words
    operandPositions += words.indices
  }
}
