/// Exit statuses as a user lists them: `2,65-70`.
struct StatusList {
  let codes: Set<Int32>

  /// nil for what is no such list, or has a status outside 1 to 255.
  init?(parsing text: String) {
    guard let ranges = NumberRanges.parse(text, in: 1...255) else { return nil }
    codes = Set(ranges.joined().map { Int32($0) })
  }
}
