/// The reason why an option, an argument or another setting cannot be used.
package struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) { self.description = description }
}

extension Command {
  package enum Scanned: Hashable, Sendable {
    case arguments(Arguments)
    case helpRequested
    case fullHelpRequested
  }

  /// Reads arguments by POSIX's guidelines (<https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/V1_chap12.html>) with
  /// GNU's long options: `--name value`, `--name=value`, `-n value`, `-nvalue`, and `-ab` for flags. After `--` no word is an
  /// option. Options are UTF-8. Operands may be any bytes.
  /// - Throws: `UsageError`
  package func scan(_ words: [[UInt8]]) throws(UsageError) -> Scanned {
    var arguments = Arguments()
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.elementsEqual("--".utf8) {
        arguments.operands += rest
        arguments.literalOperandCount = rest.count
        break
      }
      guard word.count > 1, word[0] == .dash else {
        arguments.operands.append(word)
        guard endsOptions(operandCount: arguments.operands.count) else { continue }
        try checkPlace(of: word, before: rest)
        arguments.operands += rest
        break
      }
      if word.elementsEqual("--help".utf8) || word.elementsEqual("-h".utf8) { return .helpRequested }
      if word.elementsEqual("--help-all".utf8) { return .fullHelpRequested }
      if word[1] == .dash {
        try scanLong(word.dropFirst(2), &rest, into: &arguments)
      } else {
        try scanShort(word.dropFirst(), &rest, into: &arguments)
      }
    }
    try checkOperands(arguments.operands)
    return .arguments(arguments)
  }

  /// The options among the words that can be read. What cannot be read is passed over, and so is all that follows `--`.
  package func readableOptions(in words: [[UInt8]]) -> Arguments {
    var arguments = Arguments()
    var rest = words[...]
    while let word = rest.popFirst(), !word.elementsEqual("--".utf8) {
      guard word.starts(with: "--".utf8) else { continue }
      try? scanLong(word.dropFirst(2), &rest, into: &arguments)
    }
    return arguments
  }

  /// Whether the latest operand begins another command, to which all further words belong.
  private func endsOptions(operandCount: Int) -> Bool {
    switch operands {
    case .rest, .optionalRest: true
    case .oneAndRest: operandCount > 1
    default: false
    }
  }

  /// Refuses a second operand before `--`. It does not belong to the command that follows `--`.
  private func checkPlace(of word: [UInt8], before rest: ArraySlice<[UInt8]>) throws(UsageError) {
    guard case .oneAndRest(let first, _) = operands, rest.contains(where: { $0.elementsEqual("--".utf8) }) else {
      return
    }
    throw UsageError("'\(repaired(word))' is one argument too many after \(first) and before --")
  }

  private func scanLong(
    _ word: ArraySlice<UInt8>, _ rest: inout ArraySlice<[UInt8]>, into arguments: inout Arguments
  ) throws(UsageError) {
    let name = word.prefix { $0 != .equals }
    guard let option = options.first(where: { name.elementsEqual($0.name.utf8) }) else {
      throw unknown("--\(repaired(name))", meant: repaired(name))
    }
    let attached = name.endIndex < word.endIndex ? word[name.endIndex...].dropFirst() : nil
    if !option.takesValue, attached != nil { throw UsageError("--\(option.name) takes no value") }
    try take(option, "--\(option.name)", attached, &rest, into: &arguments)
  }

  private func scanShort(
    _ word: ArraySlice<UInt8>, _ rest: inout ArraySlice<[UInt8]>, into arguments: inout Arguments
  ) throws(UsageError) {
    var letters = word
    while let letter = letters.first {
      guard let option = options.first(where: { $0.short?.asciiValue == letter }) else {
        // The user may have meant a long option, and typed one dash.
        let name = letters.count == word.count ? repaired(word.prefix { $0 != .equals }) : ""
        throw unknown("-\(repaired(letters).prefix(1))", meant: name)
      }
      letters = letters.dropFirst()
      let attached = !option.takesValue || letters.isEmpty ? nil : letters
      try take(option, "-\(repaired([letter]))", attached, &rest, into: &arguments)
      if option.takesValue { return }
    }
  }

  private func take(
    _ option: OptionDefinition, _ spelling: String, _ attached: ArraySlice<UInt8>?, _ rest: inout ArraySlice<[UInt8]>,
    into arguments: inout Arguments
  ) throws(UsageError) {
    guard option.takesValue else {
      arguments.given.append(.init(option: option.name, value: "true"))
      return
    }
    guard option.isRepeatable || !arguments.given.contains(where: { $0.option == option.name }) else {
      throw UsageError("--\(option.name) is given twice, and takes one value")
    }
    let isNextAChoice = rest.first.map { option.values.contains(repaired($0)[...]) } ?? false
    if let implied = option.impliedValue, attached == nil, !isNextAChoice {
      arguments.given.append(.init(option: option.name, value: implied))
      return
    }
    guard let bytes = attached ?? rest.popFirst()?[...] else { throw UsageError("\(spelling) needs a value") }
    // A shell leaves out a variable that is not set: `-q $QUEUE -- worker`.
    guard attached != nil || !takesCommand || !bytes.elementsEqual("--".utf8) else {
      throw UsageError("\(spelling) needs a value, and is followed by --")
    }
    guard let value = String(validating: bytes, as: UTF8.self) else {
      throw UsageError("the value of \(spelling) is not text in UTF-8")
    }
    arguments.given.append(.init(option: option.name, value: value))
  }

  private func unknown(_ spelling: String, meant name: String) -> UsageError {
    if let advice = adviceOnUnknown(String(spelling.drop { $0 == "-" })) {
      return UsageError("there is no option \(spelling): \(advice)")
    }
    let suggestion = Suggestion(
      for: name, among: options.map(\.name) + ["help", "help-all"], synonyms: synonyms)
    let advice = suggestion.map { ": did you mean --\($0.word)?" }
    return UsageError(
      "there is no option \(spelling)" + (advice ?? (takesCommand ? " (another command's options follow --)" : "")))
  }

  private func checkOperands(_ given: [[UInt8]]) throws(UsageError) {
    func tooMany(_ index: Int) -> UsageError { UsageError("'\(repaired(given[index]))' is one argument too many") }
    switch operands {
    case .none:
      guard given.isEmpty else { throw tooMany(0) }
    case .one(let name):
      guard !given.isEmpty else { throw missing(name) }
      guard given.count == 1 else { throw tooMany(1) }
    case .optional:
      guard given.count <= 1 else { throw tooMany(1) }
    case .oneOrTwo(let name, _):
      guard !given.isEmpty else { throw missing(name) }
      guard given.count <= 2 else { throw tooMany(2) }
    case .rest(let name), .oneAndRest(let name, _):
      guard !given.isEmpty else { throw missing(name) }
    case .any, .optionalRest: break
    }
  }
}

/// The bytes as text for a message. Bytes that are not UTF-8 become U+FFFD.
private func repaired(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

extension UInt8 {
  static let dash = UInt8(ascii: "-")
  static let equals = UInt8(ascii: "=")
}
