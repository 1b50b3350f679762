import AMQP
import Broker
import Linux
import Testing

@testable import Publishing

/// What happens when connections are lost, cannot be made, or stay silent.
@Suite struct PublicationOutageTests {
  @Test("A broker has a limited time until items can be sent") func aBrokerHasItsTimeUntilItemsCanBeSent() {
    var driver = PublicationDriver()
    let start = driver.start
    driver.handle(.tick, after: 58)
    #expect(driver.publication.deadline == start + .seconds(60))
    #expect(driver.isOverdue(after: 59) == false)
    #expect(driver.isOverdue(after: 60) == true)
    #expect(driver.lose(.unreachable, after: 60) == nil && driver.isUnreachable)
  }

  @Test("The last attempt to connect is not cut short") func theLastAttemptIsAWholeOne() {
    var driver = PublicationDriver()
    driver.handle(.tick, after: 60)
    #expect(driver.publication.deadline == driver.start + .seconds(120))
    driver.handle(.ready)
    #expect(driver.publication.deadline == nil && !driver.isOverdue(after: 1000))
  }

  @Test("A broker is quiet when it confirms nothing for a while") func isQuietWhenNothingIsConfirmedForAWhile() {
    var driver = PublicationDriver()
    let start = driver.start
    driver.ready()
    driver.handle(.tick, after: 50)
    #expect(driver.publication.deadline == nil)
    driver.send(1...3)
    #expect(driver.publication.deadline == start + .seconds(60))
    #expect(driver.isQuiet(after: 59) == false)
    driver.acked(1)
    #expect(driver.isQuiet(after: 59) == false)
    #expect(driver.publication.deadline == start + .seconds(69))
    #expect(driver.isQuiet(after: 69) == true)
    #expect(!driver.isQuiet(after: 69) && driver.publication.deadline == start + .seconds(79))
  }

  @Test("A quiet broker is reported once, until it confirms something")
  func isSaidToBeQuietOnceUntilSomethingIsConfirmed() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...3)
    let notices = [10, 20, 30].map { seconds in
      if seconds == 30 { driver.acked(1) }
      return driver.handle(.tick, after: seconds).count { if case .notify(.quiet) = $0 { true } else { false } }
    }
    #expect(notices == [1, 0, 0])
    #expect(driver.handle(.tick, after: 40).count { if case .notify(.quiet) = $0 { true } else { false } } == 1)
  }

  @Test("A broker is not quiet while it is blocked, nor when nothing was sent")
  func isNotQuietWhileTheBrokerIsBlockedNorWithNothingSent() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    driver.handle(.confirmation(.blocked(reason: "low")))
    #expect(!driver.isQuiet(after: 100) && driver.publication.deadline == nil)
    driver.handle(.confirmation(.unblocked))
    driver.acked(1)
    #expect(!driver.isQuiet(after: 200) && driver.publication.deadline == nil)
  }

  @Test("The unconfirmed items are sent again on the next connection")
  func whatIsUnconfirmedIsSentAgainOnTheNextConnection() {
    var driver = PublicationDriver()
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

  @Test("An item that is sent three times counts as one that was sent again")
  func anItemThatIsSentThreeTimesCountsOnce() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    #expect(driver.lose() == 1)
    driver.ready()
    _ = driver.next()
    #expect(driver.lose() == 1 && driver.resentCount == 1)
  }

  @Test("An item that was never sent is not counted as sent again") func whatNeverWentOutIsNoDuplicate() {
    var driver = PublicationDriver()
    driver.ready()
    driver.handle(.item(Item(number: 1, messageID: "1", body: [])))
    #expect(driver.lose() == 0 && driver.resentCount == 0)
  }

  @Test("Losses without a confirmation between them are one outage") func lossAfterLossWithoutAConfirmIsAnOutage() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...1)
    #expect(driver.lose() == 1 && driver.pause == .zero)
    driver.ready()
    #expect(driver.lose(after: 1) != nil && driver.pause == .seconds(1) + BackOff.firstPause)
    driver.ready()
    #expect(driver.lose(after: 60) == nil && driver.isUnreachable)
  }

  @Test("A confirmation ends an outage") func anOutageBeginsAnewAfterAConfirm() {
    var driver = PublicationDriver()
    driver.ready()
    driver.send(1...2)
    #expect(driver.lose(after: 50) != nil)
    driver.ready()
    while driver.next() != nil {}
    driver.acked(1)
    #expect(driver.lose(after: 100) != nil && driver.pause == .seconds(100))
  }

  @Test("The last attempt to connect is made when the time is over") func theLastAttemptIsWhenTheTimeIsOver() {
    var driver = PublicationDriver()
    driver.handle(.tick)
    for _ in 1...8 { #expect(driver.lose(.unreachable, after: 59) == 0) }
    #expect(driver.pause == .seconds(60))
    #expect(driver.lose(.unreachable, after: 60) == nil && driver.isUnreachable)
  }

  @Test("A connection without anything to confirm ends an outage by lasting")
  func aConnectionThatHasNothingToConfirmProvesItselfByLasting() {
    var driver = PublicationDriver()
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

  @Test("Losses in a row end the publication") func lossesInARowEndIt() {
    var driver = PublicationDriver()
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

  @Test("The brokers are tried in turn") func brokersAreTriedInTurn() {
    var driver = PublicationDriver(brokers: 2)
    driver.handle(.tick)
    #expect(driver.lose(.unreachable) == 0 && driver.brokerIndex == 1 && driver.pause == .zero)
    driver.handle(.tick)
    #expect(driver.lose(.unreachable) == 0 && driver.brokerIndex == 0 && driver.pause == BackOff.firstPause)
  }

  @Test("A refused login ends the publication") func aRefusedLoginIsTheEnd() {
    var driver = PublicationDriver(brokers: 2)
    driver.handle(.tick)
    #expect(driver.lose(.loginRefused) == nil && driver.isUnreachable)
  }

  @Test("A login that succeeded before is tried again if it may be replaced")
  func aLoginThatWasGoodBeforeMayBeReplaced() {
    var driver = PublicationDriver(loginMayChange: true)
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

  @Test("A first login that is refused is not tried again") func aFirstLoginIsNotTriedAgain() {
    var driver = PublicationDriver(loginMayChange: true)
    driver.handle(.tick)
    #expect(driver.lose(.loginRefused) == nil && driver.isUnreachable)
  }

  @Test("An outage is announced once all brokers have been tried")
  func anOutageIsAnnouncedOnceAllBrokersHaveBeenTried() {
    var driver = PublicationDriver(brokers: 2)
    #expect(driver.announced(.unreachable, .unreachable, .unreachable) == [false, true, false])
  }

  @Test("An outage is not announced when it ends the publication, nor after a loss")
  func anOutageIsNotAnnouncedBeforeItsEndNorAfterALoss() {
    var atEnd = PublicationDriver()
    #expect(atEnd.announced(.unreachable, after: 58) == [false])
    var lost = PublicationDriver()
    #expect(lost.announced(.lost, .unreachable) == [false, false])
  }
}
