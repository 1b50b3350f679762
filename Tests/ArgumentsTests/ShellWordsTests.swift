import Arguments
import Testing

@Suite("Words of a command line that is one text") struct ShellWordsTests {
  @Test(
    "They are split as a shell splits them",
    arguments: [
      ("", []), (" \t\n ", []), ("a", ["a"]), ("  a  b\tc\nd ", ["a", "b", "c", "d"]),
      ("'a b' \"c d\"", ["a b", "c d"]), ("a'b'\"c\"d", ["abcd"]), ("'' \"\" a''", ["", "", "a"]),
      (#"a\ b \' \" \\ \$x \|"#, ["a b", "'", "\"", #"\"#, "$x", "|"]), (#"'a\b"c$`|&;<>()'"#, [#"a\b"c$`|&;<>()"#]),
      (#""a\b \" \\ \$ \` '|&;<>()""#, [#"a\b " \ $ ` '|&;<>()"#]), ("a\\\nb \"c\\\nd\"", ["ab", "cd"]),
      ("\"a\nb\" 'c\nd'", ["a\nb", "c\nd"]), ("é 日本 *?[a]~#=%{}!", ["é", "日本", "*?[a]~#=%{}!"]),
    ])
  func words(text: String, words: [String]) throws { #expect(try ShellWords(text).words == words) }

  @Test(
    "Text that a shell would refuse, or act on, is refused",
    arguments: [
      ("a 'b", "single quote"), ("a \"b'", "double quote"), ("\"a\\\"", "double quote"), ("a\\", "backslash"),
      ("a | b", "|"), ("a&", "&"), ("a;b", ";"), ("a <b", "<"), ("a >b", ">"), ("(a)", "("), ("a)", ")"), ("$a", "$"),
      ("\"$a\"", "$"), ("`a`", "`"), ("\"`a`\"", "`"),
    ])
  func refused(text: String, reason: String) {
    do {
      Issue.record("\(try ShellWords(text).words)")
    } catch { #expect(error.description.contains(reason)) }
  }
}
