import Console
import Testing

@Suite struct LoggerTests {
  private func lines(_ format: Logger.Format, _ threshold: LogEntry.Level, _ entries: [LogEntry]) -> [String] {
    final class Sink: @unchecked Sendable { var lines: [String] = [] }
    let sink = Sink()
    let logger = Logger(format: format, threshold: threshold) { sink.lines.append($0) }
    for entry in entries { logger.log(entry) }
    return sink.lines
  }

  @Test func oneEntryIsOneLine() {
    #expect(lines(.text, .info, [LogEntry(.error, "a\nb\r\nc\0d\u{1b}[31m")]) == ["amqp-job: a b  c d [31m\n"])
  }

  @Test func entriesBelowTheThresholdAreLeftOut() {
    let entries = [LogEntry(.info, "i"), LogEntry(.notice, "n"), LogEntry(.warning, "w"), LogEntry(.error, "e")]
    #expect(lines(.text, .warning, entries) == ["amqp-job: w\n", "amqp-job: e\n"])
  }

  @Test func jsonIsEscaped() {
    let entry = LogEntry(
      .info, "say \"hi\"\n\u{1}\\ é",
      ["id": .text("x"), "status": .integer(-1), "seconds": .seconds(.milliseconds(1500))])
    #expect(
      lines(.json, .info, [entry]) == [
        #"{"level":"info","message":"say \"hi\"\n\u0001\\ é","id":"x","status":-1,"seconds":1.5}"# + "\n"
      ])
  }

  @Test(arguments: [
    (Logger.Format.text, "2026-11-29T06:33:48.007Z amqp-job: a\n"),
    (.json, #"{"time":"2026-11-29T06:33:48.007Z","level":"notice","message":"a"}"# + "\n"),
  ])
  func aLineMayBeginWithItsTime(format: Logger.Format, expected: String) {
    final class Sink: @unchecked Sendable { var text = "" }
    let sink = Sink()
    let logger = Logger(format: format, threshold: .info, time: { "2026-11-29T06:33:48.007Z" }) { sink.text += $0 }
    logger.log(LogEntry(.notice, "a"))
    #expect(sink.text == expected)
    #expect(logger.text(LogEntry(.notice, "a")) == "amqp-job: a")
  }
}
