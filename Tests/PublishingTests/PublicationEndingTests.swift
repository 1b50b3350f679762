import AMQP
import Broker
import Linux
import Testing

@testable import Publishing

/// How signals and unusable items end a publication.
@Suite struct PublicationEndingTests {
  @Test("Nothing is sent behind an item that does not fit a frame") func behindAnItemThatFitsNoFrameNothingIsSent() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    for number in 2...4 { driver.handle(.item(Item(number: number, messageID: nil, body: []))) }
    guard let large = driver.next() else { return #expect(Bool(false), "nothing to send") }
    driver.handle(.doesNotFitFrame(number: large.number, .doesNotFitFrame("headers")))
    #expect(driver.next() == nil && driver.end == nil)
    driver.acked(1)
    #expect(driver.end != nil && driver.publication.lastNumberInOrder == 1 && driver.publication.unknownNumbers == [])
  }

  @Test("An item whose file cannot be read is in no queue, and those before it are awaited")
  func anItemWhoseFileFailsIsInNoQueueAndThoseBeforeItAreAwaited() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...2)
    driver.handle(.item(Item(number: 3, messageID: nil, body: [])))
    driver.handle(.bodyFailed(number: 2, InputError(kind: .unreadable, reason: "shorter")))
    #expect(driver.end == nil && driver.next() == nil && driver.publication.unknownNumbers == [1])
    driver.acked(1)
    #expect(driver.publication.lastNumberInOrder == 1 && driver.publication.unknownNumbers == [])
    if case .input? = driver.end {} else { #expect(Bool(false), "\(String(describing: driver.end))") }
  }

  @Test("Nothing is sent again after a file that cannot be read") func afterAFileThatFailsNothingIsSentAgain() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...3)
    #expect(driver.lose() == 3)
    driver.ready()
    #expect(driver.next()?.number == 1)
    driver.handle(.bodyFailed(number: 1, InputError(kind: .unreadable, reason: "shorter")))
    #expect(driver.end != nil && driver.publication.unknownNumbers == [2, 3])
  }

  @Test("A signal lets the items under way finish") func aSignalFinishesWhatIsUnderWay() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...3)
    driver.acked(1)
    driver.handle(.signal(.terminate))
    #expect(!driver.publication.wantsItem && driver.end == nil)
    driver.acked(3)
    #expect(driver.isEnded(by: .terminate) && driver.publication.lastNumberInOrder == 3)
  }

  @Test("A signal after the last item changes nothing") func aSignalThatComesAfterTheLastItemChangesNothing() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.inputEnded(nil))
    driver.handle(.signal(.terminate))
    driver.acked(1)
    #expect(driver.isDone)
  }

  @Test("The items under way have their time after a signal") func whatIsUnderWayHasItsTime() {
    var driver = PublicationDriver()
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

  @Test("A second signal, or one without a connection, ends the publication at once")
  func aSecondSignalOrOneWithoutAConnectionEndsAtOnce() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.signal(.terminate))
    driver.handle(.signal(.interrupt))
    #expect(driver.isEnded(by: .interrupt))

    var other = PublicationDriver()
    other.handle(.tick)
    other.handle(.signal(.terminate))
    #expect(other.isEnded(by: .terminate))
  }

  @Test("A connection that is lost after a signal is not made again") func aConnectionLostOnTheWayOutIsNotMadeAgain() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.signal(.terminate))
    #expect(driver.lose() == nil && driver.isEnded(by: .terminate))
  }

  @Test("An input that cannot be read ends the publication once the rest is confirmed")
  func unreadableInputEndsItOnceTheRestIsConfirmed() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.inputEnded(InputError(kind: .malformed, reason: "line 2")))
    #expect(driver.end == nil)
    driver.acked(1)
    guard case .input(let error)? = driver.end else { return #expect(Bool(false)) }
    #expect(error.kind == .malformed && driver.publication.lastNumberInOrder == 1)
  }

  @Test("A publication that is resumed begins with the item that did not fit a frame")
  func whatFitsNoFrameIsNotLeftOutWhenItIsResumed() {
    var driver = PublicationDriver()
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
}
