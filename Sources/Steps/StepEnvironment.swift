/// The environment of a worker in a step: its container's own, and the variables about the item.
package enum StepEnvironment {
  private static let equals = UInt8(ascii: "=")
  private static let allowed = ["WORK_ITEM_", "TRACEPARENT=", "TRACESTATE=", "BAGGAGE="].map { Array($0.utf8) }

  /// The form in which the variables are passed: each entry, `NAME=value`, with a NUL behind it.
  package static func encoded(_ variables: [[UInt8]]) -> [UInt8] { variables.flatMap { $0 + [0] } }

  /// The entries of an environment, in which the passed variables take the place of others of the same name. Only variables
  /// about an item are passed, whatever another process sends.
  static func merged(_ entries: [[UInt8]], with variables: [UInt8]) -> [[UInt8]] {
    let passed = variables.split(separator: 0).filter { isAboutItem($0) }
    let names = Set(passed.map { $0.prefix { $0 != equals } })
    return entries.filter { !names.contains($0.prefix { $0 != equals }) } + passed.map(Array.init)
  }

  private static func isAboutItem(_ entry: ArraySlice<UInt8>) -> Bool {
    entry.contains(equals) && allowed.contains { entry.starts(with: $0) }
  }
}
