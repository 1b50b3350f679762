import Console
import Testing

@Suite struct LogMessageTests {
  private let consume = Program("amqp-consume", settings: [])

  @Test("A setting is named with the variable that sets it") func aSettingIsNamedWithTheVariableThatSetsIt() {
    let message: LogMessage = "too long\(naming: .timeout)\("; \(.retryDelay) helps" as Advice)"
    let program = Program.amqpJob(settingsFrom: [.timeout: "AMQP_JOB_TIMEOUT"])
    #expect(message.text(for: program) == "too long (--timeout from AMQP_JOB_TIMEOUT); --retry-delay helps")
  }

  @Test func aMessageNamesASettingOnlyForAProgramThatHasIt() {
    let message: LogMessage = "not drained after 10s\(naming: .drainTimeout): items are ready"
    #expect(message.text(for: .amqpJob) == "not drained after 10s (--drain-timeout): items are ready")
    #expect(message.text(for: consume) == "not drained after 10s: items are ready")
  }

  @Test func anotherTextMayStandInForASetting() {
    let message: LogMessage = "cannot be stored\(naming: .spoolDirectory, otherwise: " (TMPDIR)")"
    #expect(message.text(for: .amqpJob) == "cannot be stored (--spool-dir)")
    #expect(message.text(for: consume) == "cannot be stored (TMPDIR)")
  }

  @Test func adviceIsLeftOutWhereOneOfItsSettingsIsMissing() {
    let advice: Advice = ": use \(.maxAttempts) \(3) or \(.retryDelay)"
    let message: LogMessage = "a\(advice)"
    #expect(message.text(for: .amqpJob) == "a: use --max-attempts 3 or --retry-delay")
    #expect(message.text(for: Program("p", settings: [.maxAttempts])) == "a")
    #expect(message.text(for: Program("p", settings: [.maxAttempts, .retryDelay])) == message.text(for: .amqpJob))
  }

  @Test func messagesAreEqualHoweverTheyWereComposed() {
    let message: LogMessage = "a\(1)b\(naming: .skip)c"
    var other: LogMessage = "a"
    other += "1"
    #expect(message == other + "b\(naming: .skip)" + "\("c")")
    #expect(message != "a1b (--skip)c")
  }

  @Test func aMessageMayContainAnother() {
    let inner: LogMessage = "b\(naming: .timeout)"
    let outer: LogMessage = "a\(inner)c"
    #expect(outer.text(for: .amqpJob) == "ab (--timeout)c")
  }

  @Test func onlyTextsAreTransformed() {
    let message: LogMessage = "a\(naming: .timeout)b"
    #expect(message.mapTexts { $0.uppercased() }.text(for: .amqpJob) == "A (--timeout)B")
  }

  @Test(arguments: [
    (Logger.Format.text, "amqp-consume: no\n"), (.json, #"{"level":"error","message":"no"}"# + "\n"),
  ])
  func aLoggerSpeaksForItsProgram(format: Logger.Format, expected: String) {
    final class Sink: @unchecked Sendable { var text = "" }
    let sink = Sink()
    Logger(program: consume, format: format, threshold: .info) { sink.text += $0 }
      .log(LogEntry(.error, "no\(naming: .timeout)"))
    #expect(sink.text == expected)
  }
}
