import Arguments
import Testing

@Suite struct ScannerTests {
  private let queue = Option("queue", short: "q", .text("NAME"), "the queue")
  private let argument = RepeatableOption("arg", .text("A=B"), "an argument")
  private let verbose = Flag("verbose", short: "v", "say more")
  private let fast = Flag("fast", short: "f", "be fast")
  private let color = Option("color", short: "c", .text("on|off"), implied: "on", "in color")

  private func command(_ operands: Command.Operands) -> Command {
    Command(
      tool: "tool", name: "do", summary: "Does it.", examples: ["tool do -q x"], operands: operands,
      groups: [OptionGroup("Options", [queue, argument, verbose, fast, color])])
  }

  private func scan(_ words: [String], _ operands: Command.Operands = .any(name: "X")) throws -> Arguments {
    guard case .arguments(let arguments) = try command(operands).scan(bytes(words)) else {
      throw UsageError("help")
    }
    return arguments
  }

  private func bytes(_ words: [String]) -> [[UInt8]] { words.map { Array($0.utf8) } }

  @Test(arguments: [
    ["--queue", "a"], ["--queue=a"], ["-q", "a"], ["-qa"], ["-vq", "a"],
  ])
  func readsAValueInEverySpelling(words: [String]) throws {
    #expect(try scan(words).text(of: queue) == "a")
  }

  @Test(arguments: [
    ["-q", "a", "-q", "b"], ["-qa", "--queue=b"], ["-q", "a", "-q", "a"], ["--queue=", "-q", "b"],
    ["-vqa", "x", "-q", "b"],
  ])
  func refusesASecondValue(words: [String]) {
    #expect(throws: UsageError("--queue is given twice, and takes one value")) { try scan(words) }
  }

  @Test func whatIsGivenTwiceAndLosesNothing() throws {
    #expect(throws: UsageError.self) { try scan(["--color", "--color=off"]) }
    #expect(try scan(["-vv", "--verbose"]).contains(verbose))
    #expect(try scan(["-q", "a", "w", "-q", "b"], .rest(name: "X")).text(of: queue) == "a")
  }

  @Test func readsFlagsListsAndOperands() throws {
    let arguments = try scan(["one", "-vf", "--arg", "a=1", "-", "--arg=b=2", "--", "-v", "--arg"])
    #expect(arguments.contains(verbose) && arguments.contains(fast) && !arguments.contains(queue))
    #expect(arguments.texts(of: argument) == ["a=1", "b=2"])
    #expect(try arguments.operandTexts() == ["one", "-", "-v", "--arg"])
    #expect(try scan(["--queue="]).text(of: queue) == "")
  }

  @Test("Operands after -- are told from those before it")
  func literalOperands() throws {
    #expect(try scan(["-", "a"]).literalOperandCount == 0)
    #expect(try scan(["-", "--", "-", "b"]).literalOperandCount == 2)
  }

  @Test("A value that a shell left out, as of an unset variable before --, is missing")
  func leftOutValue() throws {
    #expect(throws: UsageError("-q needs a value, and is followed by --")) {
      try scan(["-q", "--", "w"], .rest(name: "COMMAND"))
    }
    #expect(throws: UsageError("--arg needs a value, and is followed by --")) {
      try scan(["--arg", "--", "w"], .rest(name: "COMMAND"))
    }
    #expect(try scan(["-q--", "--", "w"], .rest(name: "COMMAND")).text(of: queue) == "--")
    #expect(try scan(["-q", "--"]).text(of: queue) == "--")
  }

  @Test(arguments: [["-v", "--", "w", "-v", "--", "x"], ["-v", "w", "-v", "--", "x"]])
  func leavesAnotherCommandAlone(words: [String]) throws {
    #expect(try scan(words, .rest(name: "COMMAND")).operandTexts() == ["w", "-v", "--", "x"])
  }

  @Test(arguments: [
    (["kind", "-v", "--", "w", "-v", "--", "x"], ["kind", "w", "-v", "--", "x"]),
    (["kind", "-v", "w", "-v", "x"], ["kind", "w", "-v", "x"]),
    (["-v", "kind", "--fast"], ["kind"]), (["--", "kind", "w", "-v"], ["kind", "w", "-v"]),
  ])
  func leavesAnotherCommandAloneAfterAnOperand(words: [String], operands: [String]) throws {
    let arguments = try scan(words, .oneAndRest(first: "KIND", rest: "COMMAND"))
    #expect(try arguments.operandTexts() == operands)
    #expect(operands.count == 1 || arguments.contains(verbose) == (words[0] != "--"))
  }

  @Test(arguments: [
    (["--color", "--", "w"], "on", ["w"]), (["--color", "off", "w"], "off", ["w"]), (["--color=off"], "off", []),
    (["--color"], "on", []), (["-c", "w"], "on", ["w"]), (["-coff"], "off", []), (["--color", "-v"], "on", []),
    (["--color=", "w"], "", ["w"]),
  ])
  func aValueMayBeImplied(words: [String], value: String, operands: [String]) throws {
    let arguments = try scan(words, .any(name: "X"))
    #expect(arguments.text(of: color) == value)
    #expect(try arguments.operandTexts() == operands)
  }

  @Test(arguments: [
    (["--nope"], Command.Operands.any(name: "X")), (["-x"], .any(name: "X")), (["--queue"], .any(name: "X")),
    (["-q"], .any(name: "X")), (["--verbose=yes"], .any(name: "X")), ([], .one(name: "X")),
    (["a", "b"], .one(name: "X")), ([], .oneOrTwo(first: "X", second: "Y")),
    (["a", "b", "c"], .oneOrTwo(first: "X", second: "Y")),
    (["a"], .none), (["a", "b"], .optional(name: "X")),
    (["a", "b", "--", "w"], .oneAndRest(first: "X", rest: "Y")),
    (["a", "--color", "bad", "--", "w"], .oneAndRest(first: "X", rest: "Y")), ([], .rest(name: "X")),
    (["--"], .rest(name: "X")),
    ([], .oneAndRest(first: "X", rest: "Y")),
  ])
  func refusesWhatItDoesNotKnow(words: [String], operands: Command.Operands) {
    #expect(throws: UsageError.self) { try command(operands).scan(bytes(words)) }
  }

  @Test(arguments: [["-q", ""], ["-q"], ["--queue="], ["--color="]])
  func refusesAValueThatIsNoText(words: [String]) {
    let option = words[0].filter { $0 != "=" }
    var words = bytes(words)
    words[words.count - 1].append(0xff)
    #expect(throws: UsageError("the value of \(option) is not text in UTF-8")) {
      try command(.any(name: "X")).scan(words)
    }
  }

  @Test func operandsNeedNotBeText() throws {
    let words = [Array("-v".utf8), [0xff, 0xfe], Array("--".utf8), [0x2d, 0xff]]
    guard case .arguments(let arguments) = try command(.any(name: "X")).scan(words) else {
      throw UsageError("help")
    }
    #expect(arguments.operands == [[0xff, 0xfe], [0x2d, 0xff]])
    #expect(throws: UsageError("argument 1 is not text in UTF-8")) { try arguments.operandTexts() }
  }

  @Test(arguments: [["a"], ["a", "b"]])
  func takesOneOrTwo(words: [String]) throws {
    #expect(try scan(words, .oneOrTwo(first: "X", second: "Y")).operandTexts() == words)
  }

  @Test func helpIsAskedForUntilTheCommandBegins() throws {
    #expect(try command(.rest(name: "X")).scan(bytes(["-v", "--help"])) == .helpRequested)
    #expect(try command(.rest(name: "X")).scan(bytes(["--help-all"])) == .fullHelpRequested)
    #expect(try scan(["w", "--help"], .rest(name: "X")).operandTexts() == ["w", "--help"])
  }

  @Test func helpFitsATerminalAndShowsAnExample() {
    let help = command(.rest(name: "COMMAND")).helpText
    #expect(
      help == """
        Usage: tool do [OPTION...] -- COMMAND

        Does it.

        Example:
          tool do -q x

        Options:
          -q, --queue NAME           the queue
              --arg A=B              an argument; may be repeated
          -v, --verbose              say more
          -f, --fast                 be fast
          -c, --color [on|off]       in color

        """)
  }
}
