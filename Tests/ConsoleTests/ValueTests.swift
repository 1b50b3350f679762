import Console
import Testing

@Suite struct ValueTests {
  @Test(
    arguments: [
      ("500ms", .milliseconds(500)), ("30s", .seconds(30)), ("30", .seconds(30)), ("1.5", .milliseconds(1500)),
      ("10m", .seconds(600)), ("2h", .seconds(7200)), ("0", .zero), ("0.29s", .milliseconds(290)),
      ("16314.918s", .milliseconds(16_314_918)), ("0.0001", .milliseconds(1)), ("718973h", .seconds(2_588_302_800)),
      ("1000000000h", .seconds(3_600_000_000_000)),
    ] as [(String, Duration)])
  func durations(text: String, duration: Duration) {
    #expect(Duration(parsing: text) == duration)
    #expect(Duration(parsing: duration.text) == duration)
  }

  @Test(arguments: [
    "", "s", ".", "1.2.3", "-1", "+1", "1e3", "nan", "inf", "0x10", "1 s", "1S", "1d", "1000000001h", "3600000000001s",
    "99999999999999999999h", String(repeating: "9", count: 100_000), "1\u{301}", "1s\u{301}", "٣s",
  ])
  func noDurations(text: String) {
    #expect(Duration(parsing: text) == nil)
  }

  @Test(arguments: [
    ("0", 0), ("17", 17), ("17B", 17), ("64KiB", 65_536), ("16MiB", 16 << 20), ("4294967296GiB", 1 << 62),
  ])
  func sizes(text: String, bytes: Int) {
    #expect(Int(byteCount: text) == bytes)
  }

  @Test(arguments: ["", "KiB", "-1", "1.5MiB", "1kb", "1 KiB", "4294967297", "99999999999999999999", "1KiB\u{301}"])
  func noSizes(text: String) {
    #expect(Int(byteCount: text) == nil)
  }
}

@Suite struct CountedTests {
  @Test(arguments: [(0, "0 items are"), (1, "1 item is"), (2, "2 items are")])
  func oneIsNoPlural(count: Int, expected: String) { #expect(count.counted("item", "is", "are") == expected) }
}
