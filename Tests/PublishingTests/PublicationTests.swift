import AMQP
import Broker
import Linux
import Testing

@testable import Publishing

/// Drives a publication by hand, and remembers what it wants to be done.
private struct Driver {
  var publication: Publication
  let start = ContinuousClock.now
  /// The items that are to be sent and that the test has not looked at yet.
  private var outgoing: ArraySlice<Item> = []

  init(brokers: Int = 1, items: Int = 1024, bytes: Int = 1 << 20, files: Int = 64, loginMayChange: Bool = false) {
    var limits = Publication.Limits(outage: .seconds(60))
    limits.loginMayChange = loginMayChange
    (limits.items, limits.bytes, limits.files) = (items, bytes, files)
    publication = Publication(brokerCount: brokers, limits: limits, jitter: { 0 }, now: start)
  }

  @discardableResult mutating func handle(_ event: PublicationEvent, after seconds: Int = 0) -> [PublicationAction] {
    let actions = publication.handle(event, now: start + .seconds(seconds))
    for case .send(let items) in actions { outgoing += items }
    return actions
  }

  mutating func ready() {
    handle(.tick)
    handle(.ready)
  }

  /// Sends the next item.
  mutating func next() -> Item? {
    if outgoing.isEmpty { handle(.room(byteCount: 1)) }
    return outgoing.popFirst()
  }

  /// Accepts and sends items of these numbers.
  mutating func send(_ numbers: ClosedRange<Int>, size: Int = 1) {
    for number in numbers {
      let body = [UInt8](repeating: 0, count: size)
      handle(.item(Item(number: number, messageID: ByteString("\(number)"), body: body)))
    }
    while next() != nil {}
  }

  /// Returns how many items are sent again because of the loss; nil if it is the end.
  @discardableResult
  mutating func lose(_ kind: BrokerFailure.Kind = .lost, after seconds: Int = 0) -> Int? {
    let actions = handle(.failed(BrokerFailure(kind, broker: BrokerURL(host: "h"), detail: "")), after: seconds)
    if actions.isEmpty || end != nil { return nil }
    for case .notify(.lost(_, let count)) in actions { return count }
    return 0
  }

  /// The attempts fail, one after the other; whether each is announced.
  mutating func announced(_ kinds: BrokerFailure.Kind..., after seconds: Int = 0) -> [Bool] {
    kinds.map { kind in
      let failure = BrokerFailure(kind, broker: BrokerURL(host: "h"), detail: "")
      return handle(.failed(failure), after: seconds).contains {
        if case .notify(.unreachable) = $0 { true } else { false }
      }
    }
  }

  mutating func returned(_ id: ByteString?) {
    var properties = BasicProperties()
    properties.messageID = id
    let reason = CloseReason(code: .noRoute, text: "NO_ROUTE")
    handle(.confirmation(.returned(ReturnedMessage(reason: reason, properties: properties))))
  }

  mutating func acked(_ tag: UInt64, multiple: Bool = true) {
    handle(.confirmation(.accepted(tag, multiple: multiple)))
  }

  mutating func rejected(_ tag: UInt64) { handle(.confirmation(.rejected(tag, multiple: false))) }

  /// Whether the time makes it ask for the queue, since nothing has been confirmed.
  mutating func isQuiet(after seconds: Int) -> Bool {
    handle(.tick, after: seconds).contains { if case .askForQueue = $0 { true } else { false } }
  }

  /// Whether the attempt has taken too long.
  mutating func isOverdue(after seconds: Int) -> Bool {
    handle(.tick, after: seconds).contains { if case .giveUpAttempt = $0 { true } else { false } }
  }

  var confirmedCount: Int { publication.tally.confirmedCount }
  var refusals: [PublicationTally.Refusal] { publication.tally.refusals }
  var resentCount: Int { publication.tally.resentCount }
  var brokerIndex: Int { publication.reconnection.brokerIndex }

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

extension Item {
  fileprivate init(number: Int, messageID: ByteString?, body: [UInt8]) {
    self.init(number: number, messageID: messageID, ItemContent(.memory(body)))
  }
}

@Suite struct PublicationTests {
  @Test func isDoneWhenTheLastOneIsConfirmed() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.handle(.inputEnded(nil))
    driver.acked(2)
    #expect(!driver.isDone && driver.confirmedCount == 2 && driver.publication.unknownNumbers == [3])
    driver.acked(3, multiple: false)
    #expect(driver.isDone && driver.confirmedCount == 3)
  }

  @Test func nothingToPublishIsDone() {
    var driver = Driver()
    driver.handle(.tick)
    #expect(!driver.publication.wantsItem)
    driver.handle(.ready)
    driver.handle(.inputEnded(nil))
    #expect(driver.isDone)
  }

  @Test func confirmsInAnyOrder() {
    var driver = Driver()
    driver.ready()
    driver.send(1...4)
    driver.acked(3, multiple: false)
    #expect(driver.publication.lastNumberInOrder == 0 && driver.publication.unknownNumbers == [1, 2, 4])
    driver.acked(2)
    #expect(driver.publication.lastNumberInOrder == 3 && driver.confirmedCount == 3)
    driver.acked(2)  // a second time
    driver.acked(77)  // nobody sent it
    #expect(driver.confirmedCount == 3 && driver.publication.unknownNumbers == [4])
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
    #expect(driver.isRefused && driver.confirmedCount == 2)
    #expect(driver.refusals.map(\.number) == [2] && driver.refusals[0].isUnroutable)
    #expect(driver.publication.lastNumberInOrder == 1)
  }

  @Test func withoutMessageIDsReturnsAreTakenInOrder() {
    var driver = Driver()
    driver.ready()
    for number in 1...2 { driver.handle(.item(Item(number: number, messageID: nil, body: []))) }
    while driver.next() != nil {}
    driver.returned(nil)
    driver.acked(1)
    #expect(driver.refusals.map(\.number) == [1])
    driver.acked(2)
    #expect(driver.isRefused && driver.confirmedCount == 1)
  }

  @Test func afterARefusalNoMoreIsSentAndTheRestIsFinished() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.rejected(1)
    #expect(!driver.publication.wantsItem && driver.end == nil)
    driver.acked(3)
    #expect(driver.isRefused && driver.confirmedCount == 2 && !driver.refusals[0].isUnroutable)
  }

  @Test func afterARefusalWhatWasAcceptedIsNotSent() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    for number in 2...3 { driver.handle(.item(Item(number: number, messageID: nil, body: []))) }
    driver.rejected(1)
    #expect(driver.next() == nil && driver.isRefused && driver.publication.unknownNumbers == [])
  }

  @Test func afterARefusalWhatMayBeThereIsStillSentAgain() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.rejected(1)
    #expect(driver.lose() == 2)
    driver.ready()
    #expect(driver.next()?.number == 2)
    driver.acked(1)
    #expect(driver.publication.unknownNumbers == [3] && driver.next()?.number == 3)
    driver.acked(2)
    #expect(driver.isRefused && driver.confirmedCount == 2)
  }

  @Test func aBrokerHasItsTimeUntilItemsCanBeSent() {
    var driver = Driver()
    let start = driver.start
    driver.handle(.tick, after: 58)
    #expect(driver.publication.deadline == start + .seconds(60))
    #expect(!driver.isOverdue(after: 59))
    #expect(driver.isOverdue(after: 60))
    #expect(driver.lose(.unreachable, after: 60) == nil && driver.isUnreachable)
  }

  @Test func theLastAttemptIsAWholeOne() {
    var driver = Driver()
    driver.handle(.tick, after: 60)
    #expect(driver.publication.deadline == driver.start + .seconds(120))
    driver.handle(.ready)
    #expect(driver.publication.deadline == nil && !driver.isOverdue(after: 1000))
  }

  @Test func behindAnItemThatFitsNoFrameNothingIsSent() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    for number in 2...4 { driver.handle(.item(Item(number: number, messageID: nil, body: []))) }
    guard let large = driver.next() else { return #expect(Bool(false), "nothing to send") }
    driver.handle(.doesNotFitFrame(number: large.number, .doesNotFitFrame("headers")))
    #expect(driver.next() == nil && driver.end == nil)
    driver.acked(1)
    #expect(driver.end != nil && driver.publication.lastNumberInOrder == 1 && driver.publication.unknownNumbers == [])
  }

  @Test func anItemWhoseFileFailsIsInNoQueueAndThoseBeforeItAreAwaited() {
    var driver = Driver()
    driver.ready()
    driver.send(1...2)
    driver.handle(.item(Item(number: 3, messageID: nil, body: [])))
    driver.handle(.bodyFailed(number: 2, InputError(kind: .unreadable, reason: "shorter")))
    #expect(driver.end == nil && driver.next() == nil && driver.publication.unknownNumbers == [1])
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
    #expect(driver.next()?.number == 1)
    driver.handle(.bodyFailed(number: 1, InputError(kind: .unreadable, reason: "shorter")))
    #expect(driver.end != nil && driver.publication.unknownNumbers == [2, 3])
  }

  @Test func theItemThatIsTooLargeIsInNoQueueNorAreThoseBehindIt() {
    var driver = Driver()
    driver.ready()
    driver.send(1...2)
    driver.send(3...3, size: 77)
    driver.send(4...4)
    let text = "message size 77 is larger than configured max size 50"
    driver.handle(.confirmation(.channelClosed(CloseReason(code: .preconditionFailed, text: text))))
    #expect(driver.publication.unknownNumbers == [1, 2] && driver.publication.lastNumberInOrder == 0)
  }

  @Test(arguments: [(ReplyCode.notFound, []), (.accessRefused, []), (.internalError, [2])])
  func aCloseOverTheOnlyItemUnderWayRefusesIt(code: ReplyCode, unknown: [Int]) {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.acked(1)
    driver.send(2...2)
    driver.handle(.confirmation(.channelClosed(CloseReason(code: code, text: ""))))
    #expect(driver.publication.unknownNumbers == unknown && driver.publication.lastNumberInOrder == 1)
  }

  @Test func isQuietWhenNothingIsConfirmedForAWhile() {
    var driver = Driver()
    let start = driver.start
    driver.ready()
    driver.handle(.tick, after: 50)
    #expect(driver.publication.deadline == nil)
    driver.send(1...3)
    #expect(driver.publication.deadline == start + .seconds(60))
    #expect(!driver.isQuiet(after: 59))
    driver.acked(1)
    #expect(!driver.isQuiet(after: 59))
    #expect(driver.publication.deadline == start + .seconds(69))
    #expect(driver.isQuiet(after: 69))
    #expect(!driver.isQuiet(after: 69) && driver.publication.deadline == start + .seconds(79))
  }

  @Test func isSaidToBeQuietOnceUntilSomethingIsConfirmed() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    let notices = [10, 20, 30].map { seconds in
      if seconds == 30 { driver.acked(1) }
      return driver.handle(.tick, after: seconds).count { if case .notify(.quiet) = $0 { true } else { false } }
    }
    #expect(notices == [1, 0, 0])
    #expect(driver.handle(.tick, after: 40).count { if case .notify(.quiet) = $0 { true } else { false } } == 1)
  }

  @Test func isNotQuietWhileTheBrokerIsBlockedNorWithNothingSent() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.confirmation(.blocked(reason: "low")))
    #expect(!driver.isQuiet(after: 100) && driver.publication.deadline == nil)
    driver.handle(.confirmation(.unblocked))
    driver.acked(1)
    #expect(!driver.isQuiet(after: 200) && driver.publication.deadline == nil)
  }

  @Test func whatIsUnconfirmedIsSentAgainOnTheNextConnection() {
    var driver = Driver()
    driver.ready()
    driver.send(1...4)
    driver.acked(1)
    driver.acked(3, multiple: false)
    #expect(driver.lose() == 2 && driver.pause == .zero)
    driver.ready()
    #expect(driver.next()?.number == 2)
    #expect(driver.next()?.number == 4)
    #expect(driver.next() == nil && driver.resentCount == 2)
    driver.handle(.inputEnded(nil))
    driver.acked(2)  // tags begin anew
    #expect(driver.isDone && driver.confirmedCount == 4)
  }

  @Test func anItemThatIsSentThreeTimesCountsOnce() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    #expect(driver.lose() == 1)
    driver.ready()
    _ = driver.next()
    #expect(driver.lose() == 1 && driver.resentCount == 1)
  }

  @Test func whatNeverWentOutIsNoDuplicate() {
    var driver = Driver()
    driver.ready()
    driver.handle(.item(Item(number: 1, messageID: "1", body: [])))
    #expect(driver.lose() == 0 && driver.resentCount == 0)
  }

  @Test func lossAfterLossWithoutAConfirmIsAnOutage() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    #expect(driver.lose() == 1 && driver.pause == .zero)
    driver.ready()
    #expect(driver.lose(after: 1) != nil && driver.pause == .seconds(1) + BackOff.firstPause)
    driver.ready()
    #expect(driver.lose(after: 60) == nil && driver.isUnreachable)
  }

  @Test func anOutageBeginsAnewAfterAConfirm() {
    var driver = Driver()
    driver.ready()
    driver.send(1...2)
    #expect(driver.lose(after: 50) != nil)
    driver.ready()
    while driver.next() != nil {}
    driver.acked(1)
    #expect(driver.lose(after: 100) != nil && driver.pause == .seconds(100))
  }

  @Test func theLastAttemptIsWhenTheTimeIsOver() {
    var driver = Driver()
    driver.handle(.tick)
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
      driver.handle(.tick, after: second)
      driver.handle(.ready, after: second)
      #expect(driver.lose(after: second) != nil)
    }
    driver.handle(.ready, after: 60)
    #expect(driver.lose(after: 60) == nil)
    guard case .broker(let failure)? = driver.end else {
      Issue.record("it goes on")
      return
    }
    #expect(failure.kind == .unreachable)
  }

  @Test func onlySoManyFilesAreOpen() throws {
    var driver = Driver(files: 2)
    driver.ready()
    for number in 1...2 {
      #expect(driver.publication.wantsItem)
      let file = try TemporaryFile(in: "/tmp")
      driver.handle(.item(Item(number: number, messageID: nil, ItemContent(.temporary(file)))))
      _ = driver.next()
    }
    #expect(!driver.publication.wantsItem)
    driver.acked(1, multiple: false)
    #expect(driver.publication.wantsItem)
  }

  @Test func brokersAreTriedInTurn() {
    var driver = Driver(brokers: 2)
    driver.handle(.tick)
    #expect(driver.lose(.unreachable) == 0 && driver.brokerIndex == 1 && driver.pause == .zero)
    driver.handle(.tick)
    #expect(driver.lose(.unreachable) == 0 && driver.brokerIndex == 0 && driver.pause == BackOff.firstPause)
  }

  @Test func aRefusedLoginIsTheEnd() {
    var driver = Driver(brokers: 2)
    driver.handle(.tick)
    #expect(driver.lose(.loginRefused) == nil && driver.isUnreachable)
  }

  @Test func aLoginThatWasGoodBeforeMayBeReplaced() {
    var driver = Driver(loginMayChange: true)
    driver.handle(.tick)
    driver.handle(.ready)
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
    driver.handle(.tick)
    #expect(driver.lose(.loginRefused) == nil && driver.isUnreachable)
  }

  @Test func aSignalFinishesWhatIsUnderWay() {
    var driver = Driver()
    driver.ready()
    driver.send(1...3)
    driver.acked(1)
    driver.handle(.signal(.terminate))
    #expect(!driver.publication.wantsItem && driver.end == nil)
    driver.acked(3)
    #expect(driver.isEnded(by: .terminate) && driver.publication.lastNumberInOrder == 3)
  }

  @Test func aSignalThatComesAfterTheLastItemChangesNothing() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.inputEnded(nil))
    driver.handle(.signal(.terminate))
    driver.acked(1)
    #expect(driver.isDone)
  }

  @Test func whatIsUnderWayHasItsTime() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.inputEnded(nil))
    driver.handle(.signal(.interrupt))
    #expect(driver.publication.deadline == driver.start + .seconds(5))
    driver.handle(.tick, after: 4)
    #expect(driver.end == nil)
    driver.handle(.tick, after: 5)
    #expect(driver.isEnded(by: .interrupt) && driver.publication.unknownNumbers == [1])
  }

  @Test func aSecondSignalOrOneWithoutAConnectionEndsAtOnce() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.signal(.terminate))
    driver.handle(.signal(.interrupt))
    #expect(driver.isEnded(by: .interrupt))

    var other = Driver()
    other.handle(.tick)
    other.handle(.signal(.terminate))
    #expect(other.isEnded(by: .terminate))
  }

  @Test func aConnectionLostOnTheWayOutIsNotMadeAgain() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.signal(.terminate))
    #expect(driver.lose() == nil && driver.isEnded(by: .terminate))
  }

  @Test func unreadableInputEndsItOnceTheRestIsConfirmed() {
    var driver = Driver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.inputEnded(InputError(kind: .malformed, reason: "line 2")))
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
    driver.handle(.item(large))
    #expect(driver.next()?.number == 2)
    driver.handle(.doesNotFitFrame(number: large.number, .doesNotFitFrame("headers")))
    driver.acked(1)
    guard case .item(number: 2, _)? = driver.end else { return #expect(Bool(false)) }
    #expect(driver.publication.lastNumberInOrder == 1 && driver.confirmedCount == 1)
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
