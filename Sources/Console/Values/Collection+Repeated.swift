extension Collection where Element: Hashable {
  /// The first element that is there more than once.
  package var firstRepeated: Element? { first { element in count { $0 == element } > 1 } }
}
