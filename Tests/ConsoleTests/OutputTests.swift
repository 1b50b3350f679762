import Testing

@testable import Console

@Suite struct OutputTests {
  @Test func jsonOnOneLine() {
    let json = JSON.object([
      .init("text", .text("a\"\\\n\t\u{1B}é")), .init("n", .integer(-3)), .init("x", .number(0.5)),
      .init("none", .null), .init("nan", .number(.nan)), .init("yes", .boolean(true)), .init("empty", .object([])),
      .init("list", .array([.integer(1), .array([]), .object([.init("a", .null)])])),
    ])
    #expect(
      "\(json)"
        == #"{"text":"a\"\\\n\u0009\u001bé","n":-3,"x":0.5,"none":null,"nan":null,"yes":true,"empty":{},"list":[1,[],{"a":null}]}"#
    )
  }

  @Test(
    arguments: [
      0...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069,
    ] as [ClosedRange<UInt32>])
  func whatBreaksLinesOrTurnsTextIsNotPrinted(codes: ClosedRange<UInt32>) throws {
    for code in codes {
      let text = "a\(try #require(Unicode.Scalar(code)))b"
      #expect(text.printable == "a b")
      #expect("\(JSON.text(text))".unicodeScalars.allSatisfy { !$0.isUnprintable })
    }
  }

  @Test(arguments: ["é", "日本", "שלום", "👩‍👧", "a\u{AD}b", "\u{FEFF}"])
  func allElseIsPrinted(text: String) {
    #expect(text.printable == text && "\(JSON.text(text))" == "\"\(text)\"")
  }

  @Test func aTableAlignsItsColumns() {
    var table = TextTable(.text("QUEUE"), .number("READY"), .text("HOST"))
    table.add("a", "1000000", nil)
    table.add("longer\nname", "2", "h")
    #expect(
      table.text == """
        QUEUE          READY  HOST
        a            1000000  -
        longer name        2  h

        """)
  }

  @Test func figuresSayWhereThereIsNoSuchQueue() {
    let figures = QueueFigures(name: "q", ready: 3, consumers: 1)
    #expect("\(figures.json)" == #"{"queue":"q","ready":3,"consumers":1,"retry":null,"dead":null}"#)
    #expect(QueueFigures.table([figures]).hasSuffix("\nq          3      -     -          1\n"))
    #expect(QueueFigures(name: "q", ready: 3, consumers: 1, retry: 4, dead: 5).left == 7)
  }

  @Test func figuresWithProgress() {
    var progress = Progress()
    let start = ContinuousClock.now
    progress.observe(left: 9, at: start)
    progress.observe(left: 3, at: start + .seconds(3))
    #expect(
      "\(QueueFigures(name: "q", ready: 3, consumers: 0, retry: 0, dead: 0).json(progress, nil))"
        == #"{"queue":"q","ready":3,"consumers":0,"retry":0,"dead":0,"done":6,"dead_lettered":0,"total":9,"rate":2.0,"seconds_left":1,"#
        + #""net_change":null,"arrivals":null,"completions":null,"service_time":null,"advice":null}"#)
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (951_868_799, "2000-02-29T23:59:59Z"),
    (1_709_251_199, "2024-02-29T23:59:59Z"), (1_709_251_200, "2024-03-01T00:00:00Z"),
    (1_735_689_599, "2024-12-31T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    (253_402_300_799, "9999-12-31T23:59:59Z"), (253_402_300_800, "253402300800"), (UInt64.max, "18446744073709551615"),
  ])
  func times(seconds: UInt64, expected: String) { #expect(utcText(secondsSince1970: seconds) == expected) }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (1_795_934_028_007, "2026-11-29T06:33:48.007Z"),
    (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (253_402_300_800_000, "253402300800"),
  ])
  func timesWithAFraction(milliseconds: UInt64, expected: String) {
    #expect(utcText(millisecondsSince1970: milliseconds) == expected)
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2024-02-29T23:59:59Z", 1_709_251_199), ("2024-02-29t23:59:59z", 1_709_251_199),
      ("2024-02-29 23:59:59.999Z", 1_709_251_199), ("2024-03-01T01:59:59+02:00", 1_709_251_199),
      ("2024-02-29T18:29:59-05:30", 1_709_251_199), ("9999-12-31T23:59:59Z", 253_402_300_799),
      ("2100-03-01T00:00:00Z", 4_107_542_400), ("2016-12-31T23:59:60Z", 1_483_228_800), ("2100-02-29T00:00:00Z", nil),
      ("2024-02-30T00:00:00Z", nil), ("2024-13-01T00:00:00Z", nil), ("2024-01-00T00:00:00Z", nil),
      ("2024-01-01T24:00:00Z", nil), ("2024-01-01T00:00:00", nil), ("2024-01-01", nil), ("2024-01-01T00:00:00Zx", nil),
      ("2024-01-01T00:00:00.Z", nil), ("2024-01-01T00:00:00+1:00", nil), ("1969-12-31T23:59:59Z", nil),
      ("0000-01-01T00:00:00Z", nil), ("24-01-01T00:00:00Z", nil), ("", nil), ("2h", nil),
    ] as [(String, UInt64?)])
  func timesAreRead(text: String, expected: UInt64?) { #expect(seconds(since1970: text) == expected) }

  @Test func arrays() {
    #expect("\(JSON.array([.null, .integer(1), .object([.init("a", .array([]))])]))" == #"[null,1,{"a":[]}]"#)
  }
}
