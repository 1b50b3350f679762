import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// What a worker wrote to its standard error, on its way into a dead letter.
@Suite struct StandardErrorTests {
  private func tail(_ limit: Int, _ parts: [UInt8]...) -> StandardErrorTail {
    var tail = StandardErrorTail(limit: limit)
    for part in parts { tail.append(part[...]) }
    return tail
  }

  @Test("A short standard error is kept whole") func whatWasWrittenIsKeptWhole() {
    #expect(tail(10).text == nil)
    #expect(tail(10, Array("ab".utf8), Array("cd\n".utf8)).text == "abcd\n")
  }

  @Test("Only the end of a long standard error is kept", arguments: [1, 3, 7, 100])
  func onlyTheEndIsKept(pieceSize: Int) {
    var tail = StandardErrorTail(limit: 10)
    let bytes = Array((1...200).map { "\($0)" }.joined(separator: " ").utf8)
    var rest = bytes[...]
    while !rest.isEmpty {
      tail.append(rest.prefix(pieceSize))
      rest = rest.dropFirst(pieceSize)
    }
    #expect(tail.text == String(decoding: bytes.suffix(10), as: UTF8.self))
  }

  @Test("A character that is cut is left out") func aCharacterThatIsCutIsLeftOut() {
    #expect(tail(4, Array("aé€".utf8)).text == "€")
    #expect(tail(5, Array("aé€".utf8)).text == "é€")
  }

  @Test("Bytes that are no text are replaced, and the text does not grow beyond its limit")
  func whatIsNoTextIsReplacedAndNoLongerForThat() {
    #expect(tail(10, [0xFF, 0x61]).text == "\u{FFFD}a")
    let text = tail(10, [UInt8](repeating: 0xFF, count: 10)).text
    #expect(text == "\u{FFFD}\u{FFFD}\u{FFFD}")
    #expect(tail(6, [0x80, 0x61]).text == "\u{FFFD}a", "it was not cut")
  }

  private func ended(_ configure: (inout JobOptions) -> Void = { _ in }) -> Move? {
    var driver = RunnerDriver {
      $0.attempts.maxAttempts = 1
      $0.attempts.keepsStandardError = true
      configure(&$0)
    }
    driver.consume(hasRetries: true)
    driver.deliver()
    return driver.handle(.workerEnded(.exited(3), standardError: "no such file\n", slot: 0)).moves.first
  }

  @Test("The standard error goes into the dead letter") func itGoesIntoTheDeadLetter() throws {
    let move = try #require(ended())
    let item = WorkItem(
      envelope: Envelope(consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q"),
      properties: BasicProperties(), queue: "q")
    let copy = item.properties(for: move, host: "h", time: 5)
    #expect(copy.headers?["x-amqp-job-stderr"] == .string("no such file\n"))
    #expect(DeadLetter(headers: copy.headers).standardError == "no such file\n")
  }

  @Test("The standard error goes into the dead letter of a rejected item") func itGoesIntoOneThatIsRejected() {
    let move = ended { $0.attempts.rejectedStatuses = [3] }
    guard case .deadLetter(let cause)? = move?.destination else {
      Issue.record("\(String(describing: move))")
      return
    }
    #expect(cause.reason == .rejected && cause.standardError == "no such file\n")
  }

  @Test("The standard error is shortened until the dead letter fits") func itGivesWayUntilNothingIsLeft() {
    var move = Move(
      destination: .deadLetter(DeadLetterCause(reason: .failed, standardError: "abcdefgh")), attempts: 1)
    var texts: [String?] = []
    while move.shortenStandardError() {
      if case .deadLetter(let cause) = move.destination { texts.append(cause.standardError) }
    }
    #expect(texts == ["efgh", "gh", "h", nil])
    var other = Move(destination: .queue, attempts: 1)
    let hasAny = other.shortenStandardError()
    #expect(!hasAny)
  }

  @Test("A queue without dead letters is not served if standard error is to be kept")
  func aQueueWithoutDeadLettersIsNotServed() {
    var driver = RunnerDriver { $0.attempts.keepsStandardError = true }
    let actions = driver.open()
    #expect(actions.errors.count == 1 && actions.errors[0].contains("--keep-stderr") && driver.finished == .wrongQueue)
  }

  @Test("The owner's exchange takes standard error if attempts are counted")
  func theOwnersExchangeTakesDeadLettersWhereAttemptsAreCounted() {
    for isCounted in [false, true] {
      var driver = RunnerDriver {
        $0.attempts.keepsStandardError = true
        $0.attempts.areRequired = isCounted
      }
      _ = driver.start()
      driver.handle(.connected(nil))
      driver.method(RunnerDriver.differs("x-dead-letter-exchange", "received '' but current is 'dlx'"), on: 2)
      driver.method(RunnerDriver.found, on: 2)
      #expect(driver.finished == (isCounted ? nil : .wrongQueue))
    }
  }
}
