import Testing

@testable import Manifests

@Suite struct ReferenceTests {
  @Test(
    "Dollar signs are escaped where necessary",
    arguments: [
      ("", ""), ("a", "a"), ("$", "$"), ("$HOME", "$HOME"), ("$(date)", "$$(date)"), ("$$", "$$$$"),
      ("a$$b", "a$$$$b"), ("$$(QUEUE)", "$$$$(QUEUE)"), ("$$$", "$$$$$$"), ("cost: 5$", "cost: 5$"),
      ("$(a)$(b)", "$$(a)$$(b)"),
    ])
  func dollars(text: String, expected: String) { #expect(text.escapingReferences == expected) }

  @Test("Kubernetes expands an escaped text to the original") func expansion() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let text = String((0..<10).map { _ in "$$$()AB".randomElement(using: &generator) ?? "$" })
      #expect(expanded(text.escapingReferences, ["A": "x", "B": "y", "AB": "z", "": "w"]) == text)
    }
  }

  /// Expands references as Kubernetes does (`third_party/forked/golang/expansion` in its sources).
  private func expanded(_ text: String, _ variables: [String: String]) -> String {
    var result = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      guard character == "$", let next = rest.first else {
        result.append(character)
        continue
      }
      rest.removeFirst()
      if next == "(", let end = rest.firstIndex(of: ")") {
        let name = String(rest[..<end])
        result += variables[name] ?? "$(\(name))"
        rest = rest[rest.index(after: end)...]
      } else if next == "$" {
        result.append("$")
      } else {
        result += ["$", next]
      }
    }
    return result
  }
}
