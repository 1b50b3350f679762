/// How far a runner has come.
package struct WorkDone: Hashable, Sendable {
  /// How many items were done.
  package var done: Int
  /// How many attempts have failed.
  package var failed: Int
  /// How many items are left, with those that are in hand; nil where that is not known.
  package var left: Int?
}
