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
    // The start is removed only now and then, because that moves all bytes.
    if kept.count >= 2 * limit { kept.removeFirst(kept.count - limit) }
  }

  /// The end as text of at most `limit` bytes of UTF-8; nil if nothing was written. U+FFFD replaces bytes that are not UTF-8.
  var text: String? {
    var end = kept.suffix(limit)
    // The first bytes may be the rest of a character whose beginning is gone.
    if isCut { end = end.drop(upTo: 3) { $0 & 0xC0 == 0x80 } }
    return end.isEmpty ? nil : String(decoding: end, as: UTF8.self).end(ofBytes: limit)
  }
}

extension ArraySlice<UInt8> {
  /// Drops at most `most` of the first elements that satisfy the condition.
  fileprivate func drop(upTo most: Int, where condition: (UInt8) -> Bool) -> Self {
    dropFirst(prefix(most).prefix(while: condition).count)
  }
}

extension String {
  /// The end that has at most this number of bytes of UTF-8, in whole Unicode scalars.
  func end(ofBytes most: Int) -> String {
    guard utf8.count > most else { return self }
    var start = utf8.index(utf8.endIndex, offsetBy: -max(0, most))
    while start < utf8.endIndex, utf8[start] & 0xC0 == 0x80 { start = utf8.index(after: start) }
    return String(unicodeScalars[start...])
  }
}
