import Testing
import YAML

@Suite struct StreamTests {
  private func written(_ text: String) -> String { YAMLValue.stream([.object(["a": text])]) }

  @Test("Values are written as blocks, in their order") func blocks() {
    let value = YAMLValue.object([
      "b": "text", "a": [1, -2], "none": nil as String?, "yes": true,
      "c": [YAMLValue.object(["x": "1", "list": [String]()]), .object([:])],
    ])
    #expect(
      YAMLValue.stream([value, .string("x")]) == """
        b: text
        a:
        - 1
        - -2
        'yes': true
        c:
        - x: '1'
          list: []
        - {}
        --- x

        """)
  }

  @Test(
    "Words that every reader takes for strings are plain",
    arguments: [
      "worker", "./worker.py", "/app/worker.py", "--wait-first=60s", "python:3.13-alpine", "app.kubernetes.io/name",
      "registry.example:5000/a/b@sha256:0f", "True-ish", "--", "100m", "64Mi", "30s",
    ])
  func plainWords(text: String) { #expect(written(text) == "a: \(text)\n") }

  @Test(
    "Texts that a reader may take for something else are quoted",
    arguments: [
      "", " ", "yes", "No", "y", "N", "on", "OFF", "true", "False", "null", "Null", "~", "1", "1.0", "-1", "1e3",
      "0x1f",
      "0o7", "017", "1_000", "12:30", "2026-01-01", ".5", ".inf", "-.INF", ".NaN", "=", "<<", "- a", "-", "---", "1e3m",
      "0b1", "1.5Gi", "a: b", "a:", "a #b", "#", "? a", "[a]", "{a}", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a",
      "a b",
      " a", "a ", "'", "it's", "\"", "\"a\"", "é", "日本", "infinity",
    ])
  func quotedWords(text: String) {
    let doubled = text.map { $0 == "'" ? "''" : String($0) }.joined()
    #expect(written(text) == "a: '\(doubled)'\n")
  }

  @Test(
    "Invisible characters are escaped",
    arguments: [
      ("a\nb", #""a\nb""#), ("\n", #""\n""#), ("\t", #""\t""#), ("\u{7F}", #""\x7F""#), ("\u{85}", #""\N""#),
      ("\u{2028}", #""\L""#), ("\u{FEFF}a", #""\uFEFFa""#), ("\u{1}'\"", #""\x01'\"""#),
    ])
  func invisibleCharacters(text: String, expected: String) { #expect(written(text) == "a: \(expected)\n") }

  @Test("A long line is not folded") func longLine() {
    let text = Array(repeating: "word", count: 100).joined(separator: " ")
    #expect(written(text) == "a: '\(text)'\n")
  }
}
