import Broker
import Testing

@Suite struct ConfirmWindowTests {
  private func window(_ ids: String...) -> ConfirmWindow {
    var window = ConfirmWindow()
    for id in ids { window.published(messageID: id) }
    return window
  }

  @Test func confirmsOneOrAllUpTo() {
    var window = window("a", "b", "c", "d")
    window.confirmed(upTo: 2, multiple: false)
    #expect(window.outstandingNumbers == [1, 3, 4] && window.confirmedCount == 1)
    window.confirmed(upTo: 3, multiple: true)
    #expect(window.outstandingNumbers == [4] && window.confirmedCount == 3 && window.refusals.isEmpty)
  }

  @Test func aReturnedMessageIsConfirmedButInNoQueue() {
    var window = window("a", "b", "c")
    window.returned(messageID: "b")
    window.confirmed(upTo: 3, multiple: true)
    #expect(window.refusals == [2: .unroutable] && window.confirmedCount == 2)
  }

  @Test func messagesOfOneIdAreReturnedInTheirOrder() {
    var window = window("same", "same")
    window.returned(messageID: "same")
    window.confirmed(upTo: 1, multiple: false)
    #expect(window.refusals == [1: .unroutable])
    window.confirmed(upTo: 2, multiple: false)
    #expect(window.confirmedCount == 1 && window.outstandingCount == 0)
  }

  @Test func rejectionIsNoConfirmation() {
    var window = window("a", "b")
    window.rejected(upTo: 2, multiple: true)
    #expect(window.refusals == [1: .rejected, 2: .rejected] && window.confirmedCount == 0)
  }

  @Test func whatNobodyPublishedChangesNothing() {
    var window = window("a")
    window.returned(messageID: nil)
    window.confirmed(upTo: 7, multiple: false)
    #expect(window.outstandingCount == 1)
  }
}

@Suite struct BackOffTests {
  @Test func growsToItsLimitAndIsSpread() {
    var backOff = BackOff()
    let pauses = (0..<10).map { _ in backOff.pause(chance: 0) }
    #expect(pauses.first == .milliseconds(250) && pauses[1] == .milliseconds(500) && pauses.last == .seconds(5))
    #expect(backOff.pause(chance: 1) == .seconds(6))
  }
}
