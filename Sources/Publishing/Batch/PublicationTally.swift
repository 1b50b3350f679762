/// Counts what has become of the items of a publication.
package struct PublicationTally: Sendable {
  /// An item that is in no queue.
  package struct Refusal: Hashable, Sendable {
    package let number: Int
    /// Whether no queue took the item. Otherwise the broker rejected it.
    package let isUnroutable: Bool
  }

  package private(set) var confirmedCount = 0
  package private(set) var refusals: [Refusal] = []
  /// The number of items that were sent more than once, because their confirmation was lost with a connection.
  package private(set) var resentCount = 0
  package private(set) var acceptedCount = 0
  private var lastNumber = 0
  /// The number of the first accepted item that is in no queue because it was never sent completely.
  private var firstLeftOut: Int?

  var settledCount: Int { confirmedCount + refusals.count }

  mutating func accept(_ number: Int) {
    acceptedCount += 1
    lastNumber = number
  }

  mutating func leaveOut(from number: Int) { firstLeftOut = min(number, firstLeftOut ?? number) }

  mutating func add(_ settlement: Window.Settlement) {
    confirmedCount += settlement.confirmedCount
    refusals += settlement.unroutable.map { Refusal(number: $0, isUnroutable: true) }
    refusals += settlement.rejected.map { Refusal(number: $0, isUnroutable: false) }
  }

  mutating func addResent(_ count: Int) { resentCount += count }

  /// The number of the last item in an unbroken row of items that are in the queue. `firstOpen` is the number of the
  /// first item whose outcome is open.
  func lastNumberInOrder(firstOpen: Int?) -> Int {
    let missing = [firstOpen, refusals.map(\.number).min(), firstLeftOut].compactMap(\.self).min()
    return missing.map { $0 - 1 } ?? lastNumber
  }
}
