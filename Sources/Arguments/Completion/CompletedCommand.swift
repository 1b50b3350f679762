/// The completions that a shell offers for a word.
enum Offer: Hashable, Sendable {
  /// None, since the word may be any name, number or duration.
  case text
  case files
  case directories
  case words([String])
  /// One of these words. The word may also be left out.
  case optionalWords([String])
  /// The name of another command, to which all further words belong.
  case command
}

/// The part of an option that matters to completion.
struct CompletedOption: Sendable {
  /// `--name`, followed by `-n` if the option has a letter.
  let spellings: [String]
  let help: String
  /// The completions of the option's value. It is nil for an option without a value.
  let value: Offer?
  /// Whether the operands are paths if the option is given.
  let makesPaths: Bool
}

/// The part of a command that matters to completion.
struct CompletedCommand: Sendable {
  /// The name of a program. It is nil for a command of the tool.
  let program: String?
  /// The name of the program or the command.
  let name: String
  let summary: String
  let options: [CompletedOption]
  /// The completions of the first operands. There are none for further operands.
  let operands: [Offer]

  init(program: String?, name: String, summary: String, options: [CompletedOption], operands: [Offer]) {
    self.program = program
    self.name = name
    self.summary = summary
    self.options = options
    self.operands = operands
  }

  init(_ command: Command, words: [String]) {
    let choices = command.choices + words
    let first: Offer = choices.isEmpty ? .text : .words(choices)
    let operands: [Offer] =
      switch command.operands {
      case .none: []
      case .one(name: "DIR"): [.directories]
      case .optional, .one, .oneOrTwo, .any: choices.isEmpty ? [] : [first]
      case .rest, .optionalRest: [.command]
      case .oneAndRest: [first, .command]
      }
    let help = ["help", "help-all"].map { Flag($0, "print help, and nothing else").definition }
    self.init(
      program: nil, name: command.name, summary: command.summary,
      options: (command.options + help).map(CompletedOption.init),
      operands: operands)
  }

  init(_ program: PoptCommand) {
    // If several options have a letter, it means the first one.
    let options = program.allOptions.enumerated().map { index, option in
      CompletedOption(option, hasLetter: !program.allOptions.prefix(index).contains { $0.short == option.short })
    }
    self.init(
      program: program.program, name: program.program, summary: program.summary, options: options,
      operands: program.operands == .command ? [.command] : [])
  }

  /// The number of operands before another command. It is nil if no other command may follow.
  var rest: Int? { operands.firstIndex(of: .command) }

  /// The options that make the operands paths.
  var pathOptions: [CompletedOption] { options.filter(\.makesPaths) }
}

extension CompletedOption {
  init(_ option: OptionDefinition) {
    spellings = ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? [])
    help = option.help
    makesPaths = option.makesPaths
    value = option.value.map { value in
      switch value {
      case "PATH": .files
      case "DIR": .directories
      case _ where option.impliedValue != nil: .optionalWords(option.values.map(String.init))
      case _ where !option.offered.isEmpty: .words(option.offered)
      case _ where option.isChoice: .words(option.values.map(String.init))
      default: .text
      }
    }
  }

  init(_ option: PoptDefinition, hasLetter: Bool) {
    let letter = hasLetter ? option.short : nil
    spellings = ["--\(option.name)"] + (letter.map { ["-\($0)"] } ?? [])
    help = option.help
    makesPaths = false
    value = option.valueName.map { $0 == "file" || $0.hasSuffix(".pem") ? .files : .text }
  }
}

extension OptionDefinition {
  /// Whether the placeholder lists all values. A placeholder for any other value has capitals or digits.
  fileprivate var isChoice: Bool {
    let text = value ?? ""
    return !text.isEmpty && text.allSatisfy { $0.isLowercase || $0 == "|" || $0 == "-" }
  }
}
