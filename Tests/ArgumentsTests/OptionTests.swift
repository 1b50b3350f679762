import Arguments
import Testing

@Suite struct OptionTests {
  private enum Color: String, CaseIterable {
    case red, green
  }

  private func setting(_ text: String) -> Setting { Setting(text, asGiven: text, source: "--x") }

  @Test func aTypeReadsItsValues() throws {
    #expect(try ValueType<Int>.count(upTo: 9).read(setting("9")) == 9)
    #expect(try ValueType<Duration?>.timeLimit.read(setting("0")) == nil)
    #expect(try ValueType<Duration?>.timeLimit.read(setting("5s")) == .seconds(5))
    #expect(try ValueType<Color>.choice.read(setting("green")) == .green)
  }

  @Test func aTypeRefusesOtherTextByNameOfItsSource() {
    #expect(throws: UsageError("--x is to be a whole number from 1 to 9, not '10'")) {
      try ValueType<Int>.count(upTo: 9).read(setting("10"))
    }
    #expect(throws: UsageError("--x is to be red or green, not 'blue'")) {
      try ValueType<Color>.choice.read(setting("blue"))
    }
    #expect(
      throws: UsageError("the name in --x holds the control character U+0007; only a newline at its end is let go")
    ) {
      try ValueType<String>.name("NAME").read(setting("a\u{7}"))
    }
  }

  @Test func aLimitedTypeSaysItsLimit() throws {
    let type = ValueType<Duration>.duration.limited("is at least 1s") { $0 >= .seconds(1) }
    #expect(try type.read(setting("1s")) == .seconds(1))
    #expect(throws: UsageError("--x is at least 1s")) { try type.read(setting("1ms")) }
  }

  @Test func theHelpTakesTheDefaultFromItsValue() {
    let grace = DefaultedOption("grace", .duration, default: .seconds(20)) { "the time (default \($0))" }
    #expect(grace.definition.help == "the time (default 20s)" && grace.definition.value == "DURATION")
    #expect(grace.described { "else \($0)" }.definition.help == "else 20s")
    let size = DefaultedOption("size", .size, default: 1 << 20) { $0 }
    #expect(size.definition.help == "1MiB")
    let color = DefaultedOption("color", .choice, default: Color.red) { $0 }
    #expect(color.definition.help == "red" && color.definition.value == "red|green")
  }

  @Test(arguments: [
    (Duration.zero, "0"), (.seconds(60), "60s"), (.milliseconds(100), "100ms"), (.seconds(86_400), "24h"),
  ])
  func aDefaultDurationIsShort(duration: Duration, text: String) {
    #expect(DefaultedOption("x", .duration, default: duration) { $0 }.definition.help == text)
  }

  @Test func anOptionIsSpeltAsAUserTypesIt() {
    #expect("\(Flag("dry-run", "it"))" == "--dry-run")
    #expect(RepeatableOption("arg", .text("A=B"), "it").definition.help == "it; may be repeated")
  }
}
