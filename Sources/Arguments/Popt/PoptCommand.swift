/// A program whose arguments are read as popt(3) reads them, described once: what is scanned, what `--help` and
/// `--usage` print, and its page of the manual are made from this.
public struct PoptCommand: Sendable {
  public enum Operands: Hashable, Sendable {
    case none
    /// Another command with its arguments, which are all that follows the first word that is no option, as popt has it
    /// with POPT_CONTEXT_POSIXMEHARDER.
    case command
  }

  public var program: String
  public var summary: String
  public var examples: [String]
  /// Paragraphs about what it does otherwise than the program of that name does whose options it takes.
  public var differences: [String]
  public var operands: Operands
  public var options: [PoptOption]
  /// A table that others include, too. A letter that both have is this one's.
  public var common: PoptGroup

  public init(
    program: String, summary: String, examples: [String], differences: [String], operands: Operands = .none,
    options: [PoptOption], common: PoptGroup
  ) {
    self.program = program
    self.summary = summary
    self.examples = examples
    self.differences = differences
    self.operands = operands
    self.options = options
    self.common = common
  }

  static let help = PoptGroup(
    "Help options:",
    [
      PoptOption("help", short: "?", .flag, "Show this help message"),
      PoptOption("usage", .flag, "Display brief usage message"),
    ])

  /// In the order in which they are looked up.
  var allOptions: [PoptOption] { common.options + options + Self.help.options }
}

/// Options that belong together.
public struct PoptGroup: Sendable {
  public var title: String
  public var options: [PoptOption]

  public init(_ title: String, _ options: [PoptOption]) {
    self.title = title
    self.options = options
  }
}

/// An option, `--name` or `-n`.
public struct PoptOption: Sendable {
  /// What it takes; the names of values are for the help.
  public enum Kind: Hashable, Sendable {
    /// POPT_ARG_NONE.
    case flag
    /// POPT_ARG_VAL: no value either.
    case constant
    /// POPT_ARG_STRING: the last one counts.
    case text(String)
    /// POPT_ARG_INT.
    case number(String)
    /// POPT_ARG_ARGV: each one counts.
    case list(String)
  }

  public var name: String
  public var short: Character?
  public var kind: Kind
  public var help: String

  public init(_ name: String, short: Character? = nil, _ kind: Kind, _ help: String) {
    self.name = name
    self.short = short
    self.kind = kind
    self.help = help
  }

  var valueName: String? {
    switch kind {
    case .flag, .constant: nil
    case .text(let name), .number(let name), .list(let name): name
    }
  }
}

/// What was given to a program, byte for byte: arguments need not be text.
public struct PoptArguments: Hashable, Sendable {
  /// An option with its value, which is empty where it takes none.
  public struct Given: Hashable, Sendable {
    public let option: String
    public let value: [UInt8]
    /// In which of the words the value ends.
    public let position: Int
  }

  public internal(set) var given: [Given] = []
  public internal(set) var operands: [[UInt8]] = []

  /// The option's value, the last where it was given more than once.
  public subscript(option: String) -> [UInt8]? { given.last { $0.option == option }?.value }

  /// Every value of the option, in order.
  public func all(_ option: String) -> [[UInt8]] { given.filter { $0.option == option }.map(\.value) }

  public func contains(_ option: String) -> Bool { self[option] != nil }

  /// The value of an option that takes a number.
  public func number(_ option: String) -> Int32? {
    self[option].flatMap { if case .value(let number) = PoptNumber($0) { number } else { nil } }
  }
}
