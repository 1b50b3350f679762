import Arguments
import Testing

@Suite struct CompletionTests {
  private let completion = Completion(
    tool: "a-tool",
    commands: [
      Command(
        tool: "a-tool", name: "do", summary: "Does a user's work: all.", examples: [], operands: .rest(name: "COMMAND"),
        groups: [
          OptionGroup(
            "Options",
            [
              Option("when", short: "w", .text("now|later"), "when"), Option("file", .text("PATH"), "a file"),
              Option("count", .count(), "how many"), Flag("loud", "be loud"),
            ])
        ]),
      Command(
        tool: "a-tool", name: "look", summary: "Looks.", examples: [], operands: .one(name: "KIND"),
        choices: ["here", "there"], groups: []),
    ])

  @Test func bashKnowsCommandsOptionsAndChoices() {
    let script = completion.script(for: .bash)
    #expect(script.contains("_a_tool_reply 'do look' '--help --help-all --version'"))
    #expect(
      script.contains(
        "    --when | -w) offer='now later' ;;\n    --file) offer='@files' ;;\n    --count) offer='-' ;;\n"))
    #expect(script.contains("'do') options='--when --file --count --loud --help --help-all --' ;;"))
    #expect(script.contains("  look)\n    case $2 in\n    0) offer='here there' ;;"))
    #expect(script.hasSuffix("complete -F _a_tool a-tool\n"))
  }

  @Test func zshKnowsWhatOptionsMean() {
    let script = completion.script(for: .zsh)
    #expect(script.hasPrefix("#compdef a-tool\n"))
    #expect(script.contains("'do:Does a user'\\''s work\\: all.'\n") && script.contains("'--when:when'\n"))
  }

  @Test func fishKnowsCommandsOptionsAndChoices() {
    let script = completion.script(for: .fish)
    #expect(script.contains("-a do -d 'Does a user\\'s work: all.'\n"))
    #expect(script.contains(" -l when -s 'w' -x -a 'now later' -d 'when'\n"))
    #expect(script.contains(" -l file -r -F -d 'a file'\n") && script.contains(" -l loud -d 'be loud'\n"))
    #expect(script.contains("look 0' -a 'here there'\n"))
  }

  @Test func aSingleWordIsAChoiceAndAPlaceholderNone() {
    let values = [("drained", "-x -a 'drained'"), ("N", "-x"), ("0-255", "-x"), ("KEY[=VALUE][:EFFECT]", "-x")]
    for (value, completed) in values {
      let command = Command(
        tool: "a-tool", name: "do", summary: "", examples: [],
        groups: [OptionGroup("", [Option("x", .text(value), "it")])])
      let script = Completion(tool: "a-tool", commands: [command]).script(for: .fish)
      #expect(script.contains(" -l x \(completed) -d 'it'\n"), "\(value)")
    }
  }

  @Test func programsAndOtherWordsAreCompletedToo() {
    let program = PoptCommand(
      program: "get", summary: "", examples: [], differences: [],
      options: [PoptOption.text("queue", short: "q", "queue", "it")],
      common: PoptGroup("", [PoptOption.text("cert", short: "q", "cert.pem", "ours")]))
    let script = Completion(tool: "a-tool", commands: [], programs: [program], words: ["help": ["do"]]).script(
      for: .bash)
    #expect(script.contains("  get)\n    case $2 in\n    --cert | -q) offer='@files' ;;\n    --queue) offer='-' ;;\n"))
    #expect(script.contains("  help)\n    case $2 in\n    0) offer='do' ;;"))
    #expect(script.hasSuffix("complete -F _a_tool a-tool get\n"))
  }
}
