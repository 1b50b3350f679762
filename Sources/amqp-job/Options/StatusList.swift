/// Exit statuses as a user lists them: `2,65-70`.
struct StatusList {
  let codes: Set<Int32>

  /// nil for what is no such list, or has a status outside 1 to 255.
  init?(parsing text: String) {
    var codes: Set<Int32> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int32($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, 1 <= first, first <= last,
        last <= 255
      else { return nil }
      codes.formUnion(first...last)
    }
    self.codes = codes
  }
}
