/// The states that were published on a channel, by the numbers that the broker confirms them with. Questions and answers count, too,
/// but nobody waits for their confirmation.
struct Confirms: Hashable, Sendable {
  private var lastNumber: UInt64 = 0
  private var open: [UInt64: ElectionMessage.ID] = [:]

  mutating func published(_ message: ElectionMessage) {
    lastNumber += 1
    if case .state(let state) = message { open[lastNumber] = state.id }
  }

  /// The states that are settled with this number.
  mutating func settled(_ number: UInt64, multiple: Bool) -> [ElectionMessage.ID] {
    let numbers = multiple ? open.keys.filter { $0 <= number }.sorted() : [number]
    return numbers.compactMap { open.removeValue(forKey: $0) }
  }
}
