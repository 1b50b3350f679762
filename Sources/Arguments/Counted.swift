extension BinaryInteger {
  /// The number with a noun, which is in the plural unless the number is 1: "1 item", "2 items".
  package func counted(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }

  /// The number with a noun and the form of a verb that agrees with it: "1 item is", "2 items are".
  package func counted(_ noun: String, _ singular: String, _ plural: String) -> String {
    "\(counted(noun)) \(self == 1 ? singular : plural)"
  }
}
