import Arguments
import Testing

struct QuotedCommandTests {
  @Test(arguments: [
    (["./w.py --fast"], "that is one word; write its words without quotes around them all: ./w.py --fast"),
    (["./w.py --fast", "-x"], "that is one word; write its words without quotes around them all: ./w.py --fast -x"),
    (["cat | wc -l"], "for a shell to read it, write: sh -c 'cat | wc -l'"),
    (["cat>out"], "for a shell to read it, write: sh -c 'cat>out'"),
    (["echo 'a'; true"], "for a shell to read it, write: sh -c 'echo '\\''a'\\''; true'"),
    (["$HOME/w"], "for a shell to read it, write: sh -c '$HOME/w'"),
    (["a\nb"], "for a shell to read it, write: sh -c '...'"),
    (["cd", "/tmp"], "only a shell knows it; write: sh -c 'cd /tmp'"),
    (["while", "true"], "only a shell knows it; write: sh -c 'while true'"),
    (["FAST=1", "./w.py", "a b"], "to set a variable, write: env FAST=1 ./w.py 'a b'"),
  ])
  func advice(_ words: [String], _ advice: String) {
    #expect(QuotedCommand(words)?.advice == advice)
  }

  @Test(arguments: [[], ["worker"], ["./w.py", "a | b"], ["=x"], ["../w=1"], ["w.py", "--fast"]])
  func none(_ words: [String]) { #expect(QuotedCommand(words) == nil) }

  @Test func aLongOneIsNotRepeated() throws {
    let advice = try #require(QuotedCommand([String(repeating: "a ", count: 1000)])?.advice)
    #expect(advice.utf8.count < 100)
  }
}
