import AMQP
import Broker
import Linux
import Testing

@testable import Publishing

/// How items are accepted, sent, confirmed and refused.
@Suite struct PublicationTests {
  @Test("A publication is done when its last item is confirmed") func isDoneWhenTheLastOneIsConfirmed() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...3)
    driver.handle(.inputEnded(nil))
    driver.acked(2)
    #expect(!driver.isDone && driver.confirmedCount == 2 && driver.publication.unknownNumbers == [3])
    driver.acked(3, multiple: false)
    #expect(driver.isDone && driver.confirmedCount == 3)
  }

  @Test("A publication without items is done") func nothingToPublishIsDone() {
    var driver = PublicationDriver()
    driver.handle(.tick)
    #expect(!driver.publication.wantsItem)
    driver.handle(.ready)
    driver.handle(.inputEnded(nil))
    #expect(driver.isDone)
  }

  @Test("Items may be confirmed in any order") func confirmsInAnyOrder() {
    var driver = PublicationDriver()
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

  @Test("The number of items under way is limited") func theWindowIsBoundedByItems() {
    var driver = PublicationDriver(items: 3)
    driver.ready()
    driver.send(1...3)
    #expect(!driver.publication.wantsItem)
    driver.acked(2, multiple: false)
    #expect(driver.publication.wantsItem)
  }

  @Test("The bytes under way are limited, but one item may be of any size")
  func theWindowIsBoundedByBytesButTakesAnyOne() {
    var driver = PublicationDriver(bytes: 10)
    driver.ready()
    driver.send(1...1, size: 100)
    #expect(!driver.publication.wantsItem)
    driver.acked(1)
    driver.send(2...2, size: 4)
    #expect(driver.publication.wantsItem)
    driver.send(3...3, size: 6)
    #expect(!driver.publication.wantsItem)
  }

  @Test("A returned item is in no queue, and ends the publication") func aReturnedItemIsInNoQueueAndEndsIt() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...3)
    driver.returned("2")
    driver.acked(3)
    #expect(driver.isRefused && driver.confirmedCount == 2)
    #expect(driver.refusals.map(\.number) == [2] && driver.refusals[0].isUnroutable)
    #expect(driver.publication.lastNumberInOrder == 1)
  }

  @Test("Returns of items without message ids are taken in order") func withoutMessageIDsReturnsAreTakenInOrder() {
    var driver = PublicationDriver()
    driver.ready()
    for number in 1...2 { driver.handle(.item(Item(number: number, messageID: nil, body: []))) }
    while driver.next() != nil {}
    driver.returned(nil)
    driver.acked(1)
    #expect(driver.refusals.map(\.number) == [1])
    driver.acked(2)
    #expect(driver.isRefused && driver.confirmedCount == 1)
  }

  @Test("After a refusal no more items are sent, and those under way are finished")
  func afterARefusalNoMoreIsSentAndTheRestIsFinished() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...3)
    driver.rejected(1)
    #expect(!driver.publication.wantsItem && driver.end == nil)
    driver.acked(3)
    #expect(driver.isRefused && driver.confirmedCount == 2 && !driver.refusals[0].isUnroutable)
  }

  @Test("After a refusal the items that were only accepted are not sent") func afterARefusalWhatWasAcceptedIsNotSent() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    for number in 2...3 { driver.handle(.item(Item(number: number, messageID: nil, body: []))) }
    driver.rejected(1)
    #expect(driver.next() == nil && driver.isRefused && driver.publication.unknownNumbers == [])
  }

  @Test("After a refusal the items that may be in the queue are still sent again")
  func afterARefusalWhatMayBeThereIsStillSentAgain() {
    var driver = PublicationDriver()
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

  @Test("An item that is too large is in no queue, nor are those behind it")
  func theItemThatIsTooLargeIsInNoQueueNorAreThoseBehindIt() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...2)
    driver.send(3...3, size: 77)
    driver.send(4...4)
    let text = "message size 77 is larger than configured max size 50"
    driver.handle(.confirmation(.channelClosed(CloseReason(code: .preconditionFailed, text: text))))
    #expect(driver.publication.unknownNumbers == [1, 2] && driver.publication.lastNumberInOrder == 0)
  }

  @Test(
    "A close of the channel refuses the only item under way",
    arguments: [(ReplyCode.notFound, []), (.accessRefused, []), (.internalError, [2])])
  func aCloseOverTheOnlyItemUnderWayRefusesIt(code: ReplyCode, unknown: [Int]) {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    driver.acked(1)
    driver.send(2...2)
    driver.handle(.confirmation(.channelClosed(CloseReason(code: code, text: ""))))
    #expect(driver.publication.unknownNumbers == unknown && driver.publication.lastNumberInOrder == 1)
  }

  @Test("The number of open files is limited") func onlySoManyFilesAreOpen() throws {
    var driver = PublicationDriver(files: 2)
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
}
