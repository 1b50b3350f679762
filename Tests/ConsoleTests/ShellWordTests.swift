import Console
import Testing

@Suite("Words for a shell") struct ShellWordTests {
  @Test(
    "A word is in quotes if it needs them",
    arguments: [
      ("job1", "job1"), ("", "''"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#), ("$HOME", "'$HOME'"), ("é", "'é'"),
      ("a.b/c-d:e=f@g%h+i,j", "a.b/c-d:e=f@g%h+i,j"),
    ])
  func words(text: String, word: String) { #expect(text.shellWord == word) }

  @Test(
    "Quotes that no shell took away are seen", arguments: [("'a'", true), ("\"a\"", true), ("'", false), ("a'", false)])
  func quotes(text: String, isInQuotes: Bool) { #expect(text.isInQuotes == isInQuotes) }
}
