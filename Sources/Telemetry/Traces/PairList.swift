/// A list `name=value,name=value`, in which percent signs escape bytes of the values. It is the form of W3C Baggage
/// (<https://www.w3.org/TR/baggage/>), without metadata.
enum PairList {
  /// nil if the text is no such list.
  static func read(_ text: String) -> [(name: String, value: String)]? {
    var pairs: [(name: String, value: String)] = []
    for element in text.split(separator: ",").map(trimmed) where !element.isEmpty {
      guard let sign = element.firstIndex(of: "=") else { return nil }
      let name = trimmed(element[..<sign])
      guard !name.isEmpty, let value = decoded(trimmed(element[element.index(after: sign)...])) else { return nil }
      pairs.append((String(name), value))
    }
    return pairs
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let start = text.drop { $0 == " " || $0 == "\t" }
    return start.dropLast(start.reversed().prefix { $0 == " " || $0 == "\t" }.count)
  }

  /// nil for an escape without two digits, and for bytes that are not UTF-8.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
        let escaped = UInt8(String(Substring(digits)), radix: 16)
      else { return nil }
      bytes.append(escaped)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
