extension Double {
  /// The number as people write it: `2`, `1.5`.
  package var text: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}
