import AMQP
import Broker
import Linux
import Testing

@testable import Publishing

/// Drives a publication by hand.
private struct Driver {
  var publication: Publication
  let start = ContinuousClock.now

  init(brokers: Int = 1, items: Int = 1024, bytes: Int = 1 << 20, loginMayChange: Bool = false) {
    var limits = Publication.Limits(outage: .seconds(60))
    limits.loginMayChange = loginMayChange
    (limits.items, limits.bytes) = (items, bytes)
    publication = Publication(brokerCount: brokers, limits: limits, chance: { 0 }, now: start)
  }

  mutating func ready() {
    publication.connecting(now: start)
    publication.ready(now: start)
  }

  /// Accepts and sends items of these numbers.
  mutating func send(_ numbers: ClosedRange<Int>, size: Int = 1) {
    for number in numbers {
      let body = [UInt8](repeating: 0, count: size)
      publication.accept(Item(number: number, messageID: ByteString("\(number)"), body: body))
    }
    while publication.nextToSend() != nil {}
  }

  mutating func lose(_ kind: BrokerFailure.Kind = .lost, after seconds: Int = 0) -> Int? {
    let failure = BrokerFailure(kind, broker: BrokerURL(host: "h"), detail: "")
    return publication.failed(failure, now: start + .seconds(seconds))
  }

  /// The attempts fail, one after the other; whether each is announced.
  mutating func announced(_ kinds: BrokerFailure.Kind..., after seconds: Int = 0) -> [Bool] {
    kinds.map {
      _ = lose($0, after: seconds)
      return publication.announcesOutage(now: start + .seconds(seconds))
    }
  }

  mutating func returned(_ id: ByteString?) {
    var properties = BasicProperties()
    properties.messageID = id
    publication.returned(
      ReturnedMessage(reason: CloseReason(code: .noRoute, text: "NO_ROUTE"), properties: properties))
  }

  mutating func acked(_ tag: UInt64, multiple: Bool = true) {
    publication.settled(upTo: tag, multiple: multiple, isRejection: false)
  }

  var end: Publication.End? {
    if case .ended(let end) = publication.phase { end } else { nil }
  }
  var isDone: Bool { if case .done? = end { true } else { false } }
  var isRefused: Bool { if case .refused? = end { true } else { false } }
  var isUnreachable: Bool { if case .broker? = end { true } else { false } }
  func isEnded(by signal: Signal) -> Bool { if case .signal(signal)? = end { true } else { false } }
  /// How long until the next attempt.
  var pause: Duration? { if case .waiting(let time) = publication.phase { start.duration(to: time) } else { nil } }
}

@Suite struct PublicationTests {
  @Test func isDoneWhenTheLastOneIsConfirmed() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.publication.inputEnded()
    driver.acked(2)
    #expect(!driver.isDone && driver.publication.confirmedCount == 2 && driver.publication.unknownNumbers == [3])
    driver.acked(3, multiple: false)
    #expect(driver.isDone && driver.publication.confirmedCount == 3)
  }

  @Test func nothingToPublishIsDone() {
    var driver = Driver()
    driver.publication.connecting(now: driver.start)
    #expect(!driver.publication.wantsItem)
    driver.publication.ready(now: driver.start)
    driver.publication.inputEnded()
    #expect(driver.isDone)
  }

  @Test func confirmsInAnyOrder() {
    var driver = Driver()
    driver.ready()
    driver.send(1...4)
    driver.acked(3, multiple: false)
    #expect(driver.publication.lastNumberInOrder == 0 && driver.publication.unknownNumbers == [1, 2, 4])
    driver.acked(2)
    #expect(driver.publication.lastNumberInOrder == 3 && driver.publication.confirmedCount == 3)
    driver.acked(2)  // a second time
    driver.acked(77)  // nobody sent it
    #expect(driver.publication.confirmedCount == 3 && driver.publication.unknownNumbers == [4])
  }

  @Test func theWindowIsBoundedByItems() {
    var driver = Driver(items: 3)
    driver.ready()
    driver.send(1...3)
    #expect(!driver.publication.wantsItem)
    driver.acked(2, multiple: false)
    #expect(driver.publication.wantsItem)
  }

  @Test func theWindowIsBoundedByBytesButTakesAnyOne() {
    var driver = Driver(bytes: 10)
    driver.ready()
    driver.send(1...1, size: 100)
    #expect(!driver.publication.wantsItem)
    driver.acked(1)
    driver.send(2...2, size: 4)
    #expect(driver.publication.wantsItem)
    driver.send(3...3, size: 6)
    #expect(!driver.publication.wantsItem)
  }

  @Test func aReturnedItemIsInNoQueueAndEndsIt() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.returned("2")
    driver.acked(3)
    #expect(driver.isRefused && driver.publication.confirmedCount == 2)
    #expect(driver.publication.refusals.map(\.number) == [2] && driver.publication.refusals[0].isUnroutable)
    #expect(driver.publication.lastNumberInOrder == 1)
  }

  @Test func withoutMessageIDsReturnsAreTakenInOrder() {
    var driver = Driver()
    driver.ready()
    for number in 1...2 { driver.publication.accept(Item(number: number, messageID: nil, body: [])) }
    while driver.publication.nextToSend() != nil {}
    driver.returned(nil)
    driver.acked(1)
    #expect(driver.publication.refusals.map(\.number) == [1])
    driver.acked(2)
    #expect(driver.isRefused && driver.publication.confirmedCount == 1)
  }

  @Test func afterARefusalNoMoreIsSentAndTheRestIsFinished() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.publication.settled(upTo: 1, multiple: false, isRejection: true)
    #expect(!driver.publication.wantsItem && driver.end == nil)
    driver.acked(3)
    #expect(driver.isRefused && driver.publication.confirmedCount == 2 && !driver.publication.refusals[0].isUnroutable)
  }

  @Test func afterARefusalWhatWasAcceptedIsNotSent() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    for number in 2...3 { driver.publication.accept(Item(number: number, messageID: nil, body: [])) }
    driver.publication.settled(upTo: 1, multiple: false, isRejection: true)
    #expect(driver.publication.nextToSend() == nil && driver.isRefused && driver.publication.unknownNumbers == [])
  }

  @Test func afterARefusalWhatMayBeThereIsStillSentAgain() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.publication.settled(upTo: 1, multiple: false, isRejection: true)
    #expect(driver.lose() == 2)
    driver.ready()
    #expect(driver.publication.nextToSend()?.number == 2)
    driver.acked(1)
    #expect(driver.publication.unknownNumbers == [3] && driver.publication.nextToSend()?.number == 3)
    driver.acked(2)
    #expect(driver.isRefused && driver.publication.confirmedCount == 2)
  }

  @Test func aBrokerHasItsTimeUntilItemsCanBeSent() {
    var driver = Driver()
    let start = driver.start
    driver.publication.connecting(now: start + .seconds(58))
    #expect(driver.publication.deadline == start + .seconds(60))
    #expect(!driver.publication.isOverdue(now: start + .seconds(59)))
    #expect(driver.publication.isOverdue(now: start + .seconds(60)))
    #expect(driver.lose(.unreachable, after: 60) == nil && driver.isUnreachable)
  }

  @Test func theLastAttemptIsAWholeOne() {
    var driver = Driver()
    driver.publication.connecting(now: driver.start + .seconds(60))
    #expect(driver.publication.deadline == driver.start + .seconds(120))
    driver.publication.ready(now: driver.start)
    #expect(driver.publication.deadline == nil && !driver.publication.isOverdue(now: driver.start + .seconds(1000)))
  }

  @Test func behindAnItemThatFitsNoFrameNothingIsSent() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    for number in 2...4 { driver.publication.accept(Item(number: number, messageID: nil, body: [])) }
    guard let large = driver.publication.nextToSend() else { return #expect(Bool(false), "nothing to send") }
    driver.publication.unsendable(large, .doesNotFitFrame("headers"))
    #expect(driver.publication.nextToSend() == nil && driver.end == nil)
    driver.acked(1)
    #expect(driver.end != nil && driver.publication.lastNumberInOrder == 1 && driver.publication.unknownNumbers == [])
  }

  @Test func anItemWhoseFileFailsIsInNoQueueAndThoseBeforeItAreAwaited() {
    var driver = Driver()
    driver.ready()
    driver.send(1...2)
    driver.publication.accept(Item(number: 3, messageID: nil, body: []))
    driver.publication.bodyFailed(2, InputError(kind: .unreadable, reason: "shorter"))
    #expect(driver.end == nil && driver.publication.nextToSend() == nil && driver.publication.unknownNumbers == [1])
    driver.acked(1)
    #expect(driver.publication.lastNumberInOrder == 1 && driver.publication.unknownNumbers == [])
    if case .input? = driver.end {} else { #expect(Bool(false), "\(String(describing: driver.end))") }
  }

  @Test func afterAFileThatFailsNothingIsSentAgain() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    #expect(driver.lose() == 3)
    driver.ready()
    #expect(driver.publication.nextToSend()?.number == 1)
    driver.publication.bodyFailed(1, InputError(kind: .unreadable, reason: "shorter"))
    #expect(driver.end != nil && driver.publication.unknownNumbers == [2, 3])
  }

  @Test func theItemThatIsTooLargeIsInNoQueueNorAreThoseBehindIt() {
    var driver = Driver()
    driver.ready()
    driver.send(1...2)
    driver.send(3...3, size: 77)
    driver.send(4...4)
    driver.publication.channelClosed(
      CloseReason(
        code: .preconditionFailed, text: "message size 77 is larger than configured max size 50"))
    #expect(driver.publication.unknownNumbers == [1, 2] && driver.publication.lastNumberInOrder == 0)
  }

  @Test(arguments: [(ReplyCode.notFound, []), (.accessRefused, []), (.internalError, [2])])
  func aCloseOverTheOnlyItemUnderWayRefusesIt(code: ReplyCode, unknown: [Int]) {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.acked(1)
    driver.send(2...2)
    driver.publication.channelClosed(CloseReason(code: code, text: ""))
    #expect(driver.publication.unknownNumbers == unknown && driver.publication.lastNumberInOrder == 1)
  }

  @Test func isQuietWhenNothingIsConfirmedForAWhile() {
    var driver = Driver()
    let start = driver.start
    driver.ready()
    driver.publication.tick(now: start + .seconds(50))
    #expect(driver.publication.deadline == nil)
    driver.send(1...3)
    #expect(driver.publication.deadline == start + .seconds(60))
    driver.publication.tick(now: start + .seconds(59))
    #expect(!driver.publication.isQuiet)
    driver.acked(1)
    driver.publication.tick(now: start + .seconds(59))
    #expect(driver.publication.deadline == start + .seconds(69))
    driver.publication.tick(now: start + .seconds(69))
    #expect(driver.publication.isQuiet)
    driver.publication.inquired(now: start + .seconds(69))
    #expect(!driver.publication.isQuiet && driver.publication.deadline == start + .seconds(79))
  }

  @Test func isNotQuietWhileTheBrokerIsBlockedNorWithNothingSent() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.publication.isBlocked = true
    driver.publication.tick(now: driver.start + .seconds(100))
    #expect(!driver.publication.isQuiet && driver.publication.deadline == nil)
    driver.publication.isBlocked = false
    driver.acked(1)
    driver.publication.tick(now: driver.start + .seconds(200))
    #expect(!driver.publication.isQuiet && driver.publication.deadline == nil)
  }

  @Test func whatIsUnconfirmedIsSentAgainOnTheNextConnection() {
    var driver = Driver()
    driver.ready()
    driver.send(1...4)
    driver.acked(1)
    driver.acked(3, multiple: false)
    #expect(driver.lose() == 2 && driver.pause == .zero)
    driver.ready()
    #expect(driver.publication.nextToSend()?.number == 2)
    #expect(driver.publication.nextToSend()?.number == 4)
    #expect(driver.publication.nextToSend() == nil && driver.publication.resentCount == 2)
    driver.publication.inputEnded()
    driver.acked(2)  // tags begin anew
    #expect(driver.isDone && driver.publication.confirmedCount == 4)
  }

  @Test func anItemThatIsSentThreeTimesCountsOnce() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    #expect(driver.lose() == 1)
    driver.ready()
    _ = driver.publication.nextToSend()
    #expect(driver.lose() == 1 && driver.publication.resentCount == 1)
  }

  @Test func whatNeverWentOutIsNoDuplicate() {
    var driver = Driver()
    driver.ready()
    driver.publication.accept(Item(number: 1, messageID: "1", body: []))
    #expect(driver.lose() == 0 && driver.publication.resentCount == 0)
  }

  @Test func lossAfterLossWithoutAConfirmIsAnOutage() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    #expect(driver.lose() == 1 && driver.pause == .zero)
    driver.ready()
    #expect(driver.lose(after: 1) != nil && driver.pause == .seconds(1) + BackOff.first)
    driver.ready()
    #expect(driver.lose(after: 60) == nil && driver.isUnreachable)
  }

  @Test func anOutageBeginsAnewAfterAConfirm() {
    var driver = Driver()
    driver.ready()
    driver.send(1...2)
    #expect(driver.lose(after: 50) != nil)
    driver.ready()
    while driver.publication.nextToSend() != nil {}
    driver.acked(1)
    #expect(driver.lose(after: 100) != nil && driver.pause == .seconds(100))
  }

  @Test func theLastAttemptIsWhenTheTimeIsOver() {
    var driver = Driver()
    driver.publication.connecting(now: driver.start)
    for _ in 1...8 { #expect(driver.lose(.unreachable, after: 59) == 0) }
    #expect(driver.pause == .seconds(60))
    #expect(driver.lose(.unreachable, after: 60) == nil && driver.isUnreachable)
  }

  @Test func aConnectionThatHasNothingToConfirmProvesItselfByLasting() {
    var driver = Driver()
    driver.ready()
    #expect(driver.lose(after: 1) == 0 && driver.pause == .seconds(1))
    driver.ready()
    #expect(driver.lose(after: 1) == 0 && driver.pause == .seconds(1) + .milliseconds(250))
    driver.ready()
    #expect(driver.lose(after: 2) == 0 && driver.pause == .seconds(2) + .milliseconds(500))
    driver.ready()
    // It was ready at the start.
    #expect(driver.lose(after: 59) == 0 && driver.pause == .seconds(59))
    #expect(driver.lose(.unreachable, after: 118) == 0)
    #expect(driver.lose(.unreachable, after: 119) == nil && driver.isUnreachable)
  }

  @Test func lossesInARowEndIt() {
    var driver = Driver()
    for second in [1, 5, 9, 59] {
      driver.publication.connecting(now: driver.start + .seconds(second))
      driver.publication.ready(now: driver.start + .seconds(second))
      #expect(driver.lose(after: second) != nil)
    }
    driver.publication.ready(now: driver.start + .seconds(60))
    #expect(driver.lose(after: 60) == nil)
    guard case .broker(let failure)? = driver.end else {
      Issue.record("it goes on")
      return
    }
    #expect(failure.kind == .unreachable)
  }

  @Test func onlySoManyFilesAreOpen() throws {
    var limits = Publication.Limits(outage: .seconds(60))
    limits.files = 2
    var publication = Publication(brokerCount: 1, limits: limits, chance: { 0 }, now: .now)
    publication.connecting(now: .now)
    publication.ready(now: .now)
    for number in 1...2 {
      #expect(publication.wantsItem)
      let file = try TemporaryFile(in: "/tmp")
      publication.accept(Item(number: number, messageID: nil, Content(.temporary(file))))
      _ = publication.nextToSend()
    }
    #expect(!publication.wantsItem)
    publication.settled(upTo: 1, multiple: false, isRejection: false)
    #expect(publication.wantsItem)
  }

  @Test func brokersAreTriedInTurn() {
    var driver = Driver(brokers: 2)
    driver.publication.connecting(now: driver.start)
    #expect(driver.lose(.unreachable) == 0 && driver.publication.brokerIndex == 1 && driver.pause == .zero)
    driver.publication.connecting(now: driver.start)
    #expect(driver.lose(.unreachable) == 0 && driver.publication.brokerIndex == 0 && driver.pause == BackOff.first)
  }

  @Test func aRefusedLoginIsTheEnd() {
    var driver = Driver(brokers: 2)
    driver.publication.connecting(now: driver.start)
    #expect(driver.lose(.loginRefused) == nil && driver.isUnreachable)
  }

  @Test func aLoginThatWasGoodBeforeMayBeReplaced() {
    var driver = Driver(loginMayChange: true)
    driver.publication.connecting(now: driver.start)
    driver.publication.ready(now: driver.start)
    #expect(driver.lose() == 0)
    #expect(driver.lose(.loginRefused, after: 1) == 0 && driver.pause != nil)
    #expect(driver.lose(.loginRefused, after: 61) == nil)
    guard case .broker(let failure)? = driver.end else {
      Issue.record("\(driver.publication.phase)")
      return
    }
    #expect(failure.kind == .loginRefused)
  }

  @Test func aFirstLoginIsNotTriedAgain() {
    var driver = Driver(loginMayChange: true)
    driver.publication.connecting(now: driver.start)
    #expect(driver.lose(.loginRefused) == nil && driver.isUnreachable)
  }

  @Test func aSignalFinishesWhatIsUnderWay() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.acked(1)
    driver.publication.received(.terminate, now: driver.start)
    #expect(!driver.publication.wantsItem && driver.end == nil)
    driver.acked(3)
    #expect(driver.isEnded(by: .terminate) && driver.publication.lastNumberInOrder == 3)
  }

  @Test func aSignalThatComesAfterTheLastItemChangesNothing() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.publication.inputEnded()
    driver.publication.received(.terminate, now: driver.start)
    driver.acked(1)
    #expect(driver.isDone)
  }

  @Test func whatIsUnderWayHasItsTime() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.publication.inputEnded()
    driver.publication.received(.interrupt, now: driver.start)
    #expect(driver.publication.deadline == driver.start + .seconds(5))
    driver.publication.tick(now: driver.start + .seconds(4))
    #expect(driver.end == nil)
    driver.publication.tick(now: driver.start + .seconds(5))
    #expect(driver.isEnded(by: .interrupt) && driver.publication.unknownNumbers == [1])
  }

  @Test func aSecondSignalOrOneWithoutAConnectionEndsAtOnce() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.publication.received(.terminate, now: driver.start)
    driver.publication.received(.interrupt, now: driver.start)
    #expect(driver.isEnded(by: .interrupt))

    var other = Driver()
    other.publication.connecting(now: other.start)
    other.publication.received(.terminate, now: other.start)
    #expect(other.isEnded(by: .terminate))
  }

  @Test func aConnectionLostOnTheWayOutIsNotMadeAgain() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.publication.received(.terminate, now: driver.start)
    #expect(driver.lose() == nil && driver.isEnded(by: .terminate))
  }

  @Test func unreadableInputEndsItOnceTheRestIsConfirmed() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.publication.inputEnded(InputError(kind: .malformed, reason: "line 2"))
    #expect(driver.end == nil)
    driver.acked(1)
    guard case .input(let error)? = driver.end else { return #expect(Bool(false)) }
    #expect(error.kind == .malformed && driver.publication.lastNumberInOrder == 1)
  }

  @Test func whatFitsNoFrameIsNotLeftOutWhenItIsResumed() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    let large = Item(number: 2, messageID: "2", body: [])
    driver.publication.accept(large)
    #expect(driver.publication.nextToSend()?.number == 2)
    driver.publication.unsendable(large, .doesNotFitFrame("headers"))
    driver.acked(1)
    guard case .item(number: 2, _)? = driver.end else { return #expect(Bool(false)) }
    #expect(driver.publication.lastNumberInOrder == 1 && driver.publication.confirmedCount == 1)
  }

  @Test func anOutageIsAnnouncedOnceAllBrokersHaveBeenTried() {
    var driver = Driver(brokers: 2)
    #expect(driver.announced(.unreachable, .unreachable, .unreachable) == [false, true, false])
  }

  @Test func anOutageIsNotAnnouncedBeforeItsEndNorAfterALoss() {
    var atEnd = Driver()
    #expect(atEnd.announced(.unreachable, after: 58) == [false])
    var lost = Driver()
    #expect(lost.announced(.lost, .unreachable) == [false, false])
  }
}
