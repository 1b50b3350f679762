import Testing

@testable import Console

/// Text as a JSON string, compared with what the standard library's tables say of each character.
@Suite struct JSONStringTests {
  private static let all = (0...0x10FFFF as ClosedRange<UInt32>).compactMap { Unicode.Scalar($0) }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: scalar.properties.isBidiControl
    }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": #"\""#
    case "\\": #"\\"#
    case "\n": #"\n"#
    case _ where isUnprintable(scalar):
      #"\u"# + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count)
        + String(scalar.value, radix: 16)
    default: String(scalar)
    }
  }

  private func string(_ text: String) -> String {
    var bytes = Array("{".utf8)
    bytes.append(jsonString: Array(text.utf8))
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("The characters that are not printed are those of Unicode") func unprintable() {
    #expect(Self.all.filter { $0.isUnprintable != Self.isUnprintable($0) } == [])
  }

  @Test("Every character is escaped, or stands for itself") func everyCharacter() {
    let text = String(String.UnicodeScalarView(Self.all))
    let expected = "{\"" + Self.all.map(Self.escaped).joined() + "\""
    // The comparison by bytes names the first difference, not megabytes.
    #expect(zip(string(text).utf8, expected.utf8).enumerated().first { $1.0 != $1.1 }?.offset == nil)
    #expect(string(text).utf8.count == expected.utf8.count)
  }

  @Test(
    "An escape may be anywhere",
    arguments: [
      ("", #""""#), ("\n", #""\n""#), ("\n\n", #""\n\n""#), ("a\n", #""a\n""#), ("\"a", #""\"a""#),
      ("é\u{85}é", #""é\u0085é""#),
      ("“\u{2028}”", #""“\u2028”""#), ("â\u{61C}", #""â\u061c""#), ("\0", #""\u0000""#),
    ])
  func anywhere(text: String, expected: String) { #expect(string(text) == "{" + expected) }
}
