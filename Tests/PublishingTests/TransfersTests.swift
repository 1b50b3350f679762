import Testing

@testable import Publishing

/// Which messages are acked, and which go back, by what the broker says of their copies.
@Suite struct TransfersTests {
  private func transfers(_ tags: UInt64...) -> Transfers {
    var transfers = Transfers()
    for tag in tags { transfers.add(tag: tag) }
    return transfers
  }

  @Test("No message is acked before its copy is confirmed") func nothingIsAckedBeforeItsCopyIsConfirmed() {
    var transfers = transfers(3, 5, 7, 8)
    #expect(transfers.takeSettled(upTo: .max) == [])
    transfers.confirm(2, multiple: false)
    #expect(transfers.takeSettled(upTo: .max) == [], "one before it is open")
    transfers.confirm(1, multiple: false)
    #expect(transfers.takeSettled(upTo: .max) == [3, 5])
    transfers.confirm(4, multiple: true)
    #expect(transfers.openCount == 0)
    #expect(transfers.takeSettled(upTo: 7) == [7], "the other's consumer has not been cancelled")
    #expect(transfers.count == 1)
    #expect(transfers.takeSettled(upTo: 8) == [8])
  }

  @Test("A message whose copy the broker refused stays in its queue") func whatTheBrokerDidNotTakeStays() {
    var transfers = transfers(1, 2, 3, 4)
    transfers.confirm(1, multiple: false)
    transfers.refuse(2, multiple: false)
    #expect(transfers.hasRefusals && transfers.openCount == 2 && transfers.possibleCount == 3)
    transfers.confirm(3, multiple: true)
    #expect(transfers.takeSettled(upTo: .max) == [1, 3])
    #expect(transfers.hasRefusals)
    let (confirmed, staying) = transfers.takeAll()
    #expect(confirmed == [] && staying == [2, 4])
  }

  @Test("A message whose copy is confirmed behind an open one is acked in the end")
  func whatIsConfirmedBehindAnOpenOneIsAckedInTheEnd() {
    var transfers = transfers(1, 2)
    transfers.confirm(2, multiple: false)
    let (confirmed, staying) = transfers.takeAll()
    #expect(confirmed == [2] && staying == [1])
  }

  @Test("The number of a copy that was not sent has no effect", arguments: [0, 3, UInt64.max])
  func numbersOfNoCopySayNothing(number: UInt64) {
    var transfers = transfers(1, 2)
    transfers.confirm(number, multiple: true)
    transfers.refuse(number, multiple: false)
    #expect(transfers.openCount == 2)
  }

  @Test("An answer that comes twice counts once") func anAnswerThatComesTwiceCountsOnce() {
    var transfers = transfers(1, 2)
    transfers.confirm(1, multiple: false)
    transfers.refuse(2, multiple: true)
    transfers.confirm(2, multiple: true)
    #expect(transfers.openCount == 0)
    #expect(transfers.takeSettled(upTo: .max) == [1])
    transfers.confirm(1, multiple: true)
    #expect(transfers.openCount == 0)
  }
}
