extension BinaryInteger {
  /// The number with its noun: "1 item", "2 items".
  package func counted(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }

  /// The same with a verb: "1 item is", "2 items are".
  package func counted(_ noun: String, _ singular: String, _ plural: String) -> String {
    "\(counted(noun)) \(self == 1 ? singular : plural)"
  }
}
