extension BrokerURL {
  /// Reads URLs that are separated by commas, or by semicolons as in Celery. A comma within a URL must be written %2C,
  /// except in its query.
  package static func list(parsing text: String) throws(ParseError) -> [BrokerURL] {
    let parts = separated(text.unicodeScalars[...]).map { $0.trimmingSpaces() }
    if let first = parts.first, first.hasScheme, let cut = parts.firstIndex(where: { !$0.hasScheme }) {
      let isPerhapsUser = parts[cut...].contains { $0.contains("@") }
      throw ParseError(
        "the text after its ',' does not begin with amqp://, as each URL of a list must"
          + (isPerhapsUser ? "; if the ',' belongs to the user name or password, it is written %2C" : ""))
    }
    var urls: [BrokerURL] = []
    for part in parts { urls.append(try BrokerURL(parsing: String(part))) }
    return urls
  }

  private static func separated(_ text: Substring.UnicodeScalarView) -> [Substring.UnicodeScalarView] {
    var parts: [Substring.UnicodeScalarView] = []
    var start = text.startIndex
    for index in text.indices where text[index] == "," || text[index] == ";" {
      let beginsURL = text[index...].dropFirst().trimmingSpaces().hasScheme
      guard beginsURL || text[index] == "," && !text[start..<index].contains("?") else { continue }
      parts.append(text[start..<index])
      start = text.index(after: index)
    }
    return parts + [text[start...]]
  }

  /// The ranges of all passwords in a list of URLs, or in a text that quotes URLs, as offsets in its UTF-8. For a URL that
  /// cannot be read, the range covers everything that may be its password.
  package static func passwordRanges(in text: String) -> [Range<Int>] {
    let text = Array(text.utf8)
    let separator = Array("://".utf8)
    let starts = text.indices.filter { text[$0...].starts(with: separator) }.map { $0 + separator.count }
    var ranges: [Range<Int>] = []
    for (index, start) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1] - separator.count : text.count
      let url = text[start..<end]
      if let at = url.lastIndex(of: UInt8(ascii: "@")), let colon = url[..<at].firstIndex(of: UInt8(ascii: ":")) {
        ranges.append(colon + 1..<at)
      }
      ranges += Self.passphraseRange(in: url).map { [$0] } ?? []
    }
    return ranges
  }

  /// The range of the private key's passphrase in a URL's query.
  private static func passphraseRange(in url: ArraySlice<UInt8>) -> Range<Int>? {
    let name = Array("password=".utf8)
    guard let query = url.firstIndex(of: UInt8(ascii: "?")),
      let start = url[query...].indices.first(where: { index in
        url[index...].starts(with: name) && (url[index - 1] == UInt8(ascii: "?") || url[index - 1] == UInt8(ascii: "&"))
      })
    else { return nil }
    let value = url[(start + name.count)...].prefix { !"&,; ".utf8.contains($0) }
    return value.startIndex..<value.endIndex
  }

  /// Checks the part of a URL after its scheme. The user name and password end at the first `/`, `?` or `#`, so an `@`
  /// after one of these shows that it was meant to be part of them. The error quotes only that character.
  static func checkUserInfo(_ rest: Substring.UnicodeScalarView) throws(ParseError) {
    guard let at = rest.lastIndex(of: "@") else { return }
    let codes: [(character: Unicode.Scalar, code: String)] = [("/", "%2F"), ("?", "%3F"), ("#", "%23")]
    let found = codes.filter { rest[..<at].contains($0.character) }
    guard !found.isEmpty else { return }
    let characters = found.map { "'\($0.character)'" }.joined(separator: " and ")
    let rules = found.map { "'\($0.character)' as \($0.code)" }.joined(separator: ", ")
    throw ParseError(
      "it has an '@' after \(characters); write \(rules) in the user name and password, and '@' as %40 in the vhost")
  }
}

extension Substring.UnicodeScalarView {
  fileprivate func trimmingSpaces() -> Self {
    var trimmed = self.drop { $0.properties.isWhitespace }
    while trimmed.last?.properties.isWhitespace == true { trimmed.removeLast() }
    return trimmed
  }

  fileprivate var hasScheme: Bool {
    guard let end = firstIndex(where: { !isPartOfScheme($0) }) else { return false }
    return end > startIndex && self[end...].starts(with: "://".unicodeScalars)
  }

  private func isPartOfScheme(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789+-.".unicodeScalars.contains(scalar))
  }
}
