/// The end of what a worker wrote to its standard error.
struct StandardErrorTail: Hashable, Sendable {
  /// In bytes.
  let limit: Int
  private var kept: [UInt8] = []
  private var isCut = false

  init(limit: Int) { self.limit = limit }

  mutating func append(_ bytes: ArraySlice<UInt8>) {
    isCut = isCut || kept.count + bytes.count > limit
    kept += bytes.suffix(limit)
    // Not each time, for all of them are moved.
    if kept.count >= 2 * limit { kept.removeFirst(kept.count - limit) }
  }

  /// As text of at most `limit` bytes of UTF-8; nil for nothing. In the place of what is no UTF-8 it has U+FFFD.
  var text: String? {
    var end = kept.suffix(limit)
    // The rest of a character whose beginning is gone.
    if isCut { end = end.drop(upTo: 3) { $0 & 0xC0 == 0x80 } }
    return end.isEmpty ? nil : String(decoding: end, as: UTF8.self).end(ofBytes: limit)
  }
}

extension ArraySlice<UInt8> {
  /// Without the first that satisfy the condition, `most` of them at most.
  fileprivate func drop(upTo most: Int, where condition: (UInt8) -> Bool) -> Self {
    dropFirst(prefix(most).prefix(while: condition).count)
  }
}

extension String {
  /// The end that has at most so many bytes of UTF-8, whole characters (scalars) of it.
  func end(ofBytes most: Int) -> String {
    guard utf8.count > most else { return self }
    var start = utf8.index(utf8.endIndex, offsetBy: -max(0, most))
    while start < utf8.endIndex, utf8[start] & 0xC0 == 0x80 { start = utf8.index(after: start) }
    return String(unicodeScalars[start...])
  }
}
