import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// The workers' own output, on its way to where the user wants it.
@Suite struct OutputTests {
  private func lines(_ maxSize: Int, _ parts: String...) -> [String] {
    var cutter = LineCutter(maxSize: maxSize)
    let lines = parts.flatMap { cutter.append(Array($0.utf8)[...]) } + (cutter.finish().map { [$0] } ?? [])
    return lines.map { String(decoding: $0.bytes, as: UTF8.self) + ($0.isContinued ? "…" : "") }
  }

  @Test("Lines are whole, in whatever portions they come") func linesAreWhole() {
    #expect(lines(10, "ab\ncd\n\ne") == ["ab", "cd", "", "e"])
    #expect(lines(10, "a", "b", "\nc", "d\n", "") == ["ab", "cd"])
    #expect(lines(10) == [])
  }

  @Test("A line that is too long is cut into parts") func aLineThatIsTooLongIsCut() {
    #expect(lines(4, "abcd\n") == ["abcd"])
    #expect(lines(4, "abcde\nf") == ["abcd…", "e", "f"])
    #expect(lines(4, "abc", "defghij", "\n") == ["abcd…", "efgh…", "ij"])
  }

  @Test("No character of UTF-8 is cut", arguments: ["é", "€", "😀"]) func noCharacterIsCut(character: String) {
    for count in 0...4 {
      let text = String(repeating: "a", count: count) + String(repeating: character, count: 6)
      #expect(lines(5, text).map { $0.filter { $0 != "…" } }.joined() == text)
    }
    var cutter = LineCutter(maxSize: 4)
    let parts = cutter.append([UInt8](repeating: 0x80, count: 9)[...])
    #expect(parts.map(\.bytes.count) == [4, 4], "bytes that are no text are cut anywhere")
  }

  private func framed(_ format: LineFormat, id: String?, _ bytes: [UInt8]) -> String {
    var framer = LineFramer(format, OutputLabel(id: id, number: 7, attempt: 2), .error)
    return String(decoding: framer.append(bytes[...]) + framer.finish(), as: UTF8.self)
  }

  @Test("A tag stands before each line, and cannot break it") func aTagStandsBeforeEachLine() {
    #expect(framed(.tag, id: "42", Array("a\nb".utf8)) == "42\ta\n42\tb\n")
    #expect(framed(.tag, id: "4\t2\n", Array("a\n".utf8)) == "4 2 \ta\n")
    #expect(framed(.tag, id: nil, Array("a".utf8)) == "item-7\ta\n")
    #expect(framed(.tag, id: "", Array("a".utf8)) == "item-7\ta\n")
    #expect(framed(.plain, id: "42", Array("a\nb".utf8)) == "a\nb\n")
  }

  @Test("A line is a JSON object, in base64 if it is no text") func aLineIsAnObject() {
    #expect(
      framed(.json, id: "4", Array("a\"\n".utf8))
        == #"{"id":"4","number":7,"attempt":2,"stream":"stderr","text":"a\""}"# + "\n")
    #expect(
      framed(.json, id: nil, [0xFF])
        == #"{"number":7,"attempt":2,"stream":"stderr","text_base64":"/w=="}"# + "\n")
  }

  @Test("The parts of a line that is too long are JSON objects of their own") func aLongLineIsSeveralObjects() {
    let beginning = #"{"id":"\n\u001b","number":7,"attempt":2,"stream":"stderr","#
    let text = [UInt8](repeating: UInt8(ascii: "e"), count: LineCutter.maxSize)
    let lines = framed(.json, id: "\n\u{1B}", text + [0x80, 0x0A, 0x09]).split(separator: "\n").map(String.init)
    #expect(
      lines == [
        beginning + #""text":""# + String(decoding: text, as: UTF8.self) + #"","continued":true}"#,
        beginning + #""text_base64":"gA=="}"#, beginning + #""text":"\u0009"}"#,
      ])
  }

  private func name(_ id: String?) -> String {
    OutputName(OutputLabel(id: id, number: 7, attempt: 2)).file(.output)
  }

  @Test("A file's name has the item's id") func aFileHasTheID() {
    #expect(name("apple-4.2_x") == "apple-4.2_x.2.stdout")
    #expect(name(nil) == "item-7.2.stdout")
    #expect(OutputName(OutputLabel(id: "a", number: 7, attempt: 2)).file(.error, suffix: 255) == "a.2-ff.stderr")
  }

  @Test(
    "No id leads out of the directory, hides its file, or looks like an option",
    arguments: [
      ("..", "%2E."), ("a/b", "a%2Fb"), ("-rf", "%2Drf"), ("a\0b\n", "a%00b%0A"), ("%2F", "%252F"), ("é", "%C3%A9"),
      (".", "%2E"), ("../../x", "%2E.%2F..%2Fx"),
    ])
  func noIDLeadsAway(id: String, encoded: String) {
    #expect(name(id) == encoded + ".2.stdout")
    #expect(!name(id).contains("/") && !name(id).hasPrefix("."))
  }

  @Test("A long id keeps its beginning, and differs from others all the same") func aLongIDIsCut() {
    let beginning = String(repeating: "é", count: 2000)
    let (one, other) = (name(beginning + "1"), name(beginning + "2"))
    #expect(one != other && one.utf8.count < 255 - 17 && one.hasPrefix("%C3%A9%C3%A9"))
    #expect(name(beginning + "1") == one)
  }

  @Test("Only what has to pass through the runner does") func streams() {
    func streams(_ form: OutputForm, kept: Int? = nil, published: Bool = false) -> [OutputStream] {
      OutputPlan(form: form, keptErrorSize: kept, publishesOutput: published).streams
    }
    #expect(streams(.inherit) == [] && streams(.inherit, kept: 1) == [.error])
    #expect(streams(.lines(.tag)) == [.output, .error] && streams(.lines(.json), published: true) == [.error])
    #expect(streams(.terminals([.output])) == [.output])
    #expect(streams(.terminals([.output]), kept: 1, published: true) == [.error])
  }

  // MARK: Losses

  private static let loss = RunnerEvent.outputLost(place: "/o/1", reason: "No space left on device", slot: 0)

  @Test("An item whose output is lost is not done, and no more are taken") func anItemWhoseOutputIsLostIsNotDone() {
    var driver = RunnerDriver { $0.attempts.maxAttempts = 1 }
    driver.consume(hasRetries: true)
    driver.deliver()
    #expect(driver.handle(Self.loss).errors.isEmpty, "the worker runs to its end")
    let move = driver.handle(.workerEnded(.exited(0))).moves.first
    guard case .deadLetter(let cause)? = move?.destination else {
      Issue.record("\(String(describing: move))")
      return
    }
    #expect(cause.reason == .outputLost)
    let errors = driver.handle(.moveConfirmed(slot: 0)).errors
    #expect(
      errors.count == 1 && errors[0].contains("exited with 0, but its output could not be written to /o/1: No space"))
    _ = driver.settle()
    #expect(driver.finished == .inputOutputError)
  }

  @Test("A worker that fails keeps its own failure if its output is lost") func aFailureStays() {
    var driver = RunnerDriver { $0.attempts.maxAttempts = 1 }
    driver.consume(hasRetries: true)
    driver.deliver()
    driver.handle(Self.loss)
    guard case .deadLetter(let cause)? = driver.handle(.workerEnded(.exited(3))).moves.first?.destination else {
      Issue.record("no dead letter")
      return
    }
    #expect(cause.reason == .failed && cause.status == .exited(3))
    #expect(driver.handle(.moveConfirmed(slot: 0)).errors.first?.contains("exited with 3, and its output") == true)
  }

  @Test("A worker that was told to end gives its item back if its output is lost") func anInterruptedOneGoesBack() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.signal(.terminate))
    driver.handle(Self.loss)
    let actions = driver.handle(.workerEnded(.exited(0)))
    #expect(actions.writes.flatMap(\.self).contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)))
    _ = driver.settle()
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("An output that is lost with the connection changes nothing") func afterTheConnection() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(RunnerDriver.lost())
    driver.handle(Self.loss)
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.finished == .temporaryFailure)
  }
}
