extension BinaryInteger {
  /// So many of them: "1 item", "2 items".
  public func counted(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
