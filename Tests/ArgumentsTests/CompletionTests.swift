import Arguments
import Testing

@Suite struct CompletionTests {
  private let completion = Completion(
    tool: "a-tool",
    commands: [
      Command(
        tool: "a-tool", name: "do", summary: "Does a user's work.", examples: [], operands: .rest(name: "COMMAND"),
        groups: [
          OptionGroup(
            "Options",
            [
              Option("when", short: "w", value: "now|later", "when"), Option("file", value: "PATH", "a file"),
              Option("loud", "be loud"),
            ])
        ]),
      Command(
        tool: "a-tool", name: "look", summary: "Looks.", examples: [], operands: .one(name: "KIND"),
        choices: ["here", "there"], groups: []),
    ])

  @Test func bashKnowsCommandsOptionsAndChoices() {
    let script = completion.script(for: .bash)
    #expect(script.contains("compgen -W 'do look --help --version'"))
    #expect(script.contains("do--when | do-w) COMPREPLY=($(compgen -W 'now later'"))
    #expect(script.contains("compgen -W '--when --file --loud --help --help-all --'"))
    #expect(script.contains("compgen -W 'here there --help --help-all'"))
    #expect(script.contains("complete -o default -F _a_tool a-tool\n"))
  }

  @Test func zshReadsTheSameAsBash() {
    let script = completion.script(for: .zsh)
    #expect(script.hasPrefix("autoload -U +X bashcompinit") && script.hasSuffix(completion.script(for: .bash)))
  }

  @Test func fishKnowsCommandsOptionsAndChoices() {
    let script = completion.script(for: .fish)
    #expect(script.contains("-a do -d 'Does a user\\'s work.'\n"))
    #expect(script.contains(" -l when -s w -x -a 'now later' -d 'when'\n"))
    #expect(script.contains(" -l file -r -F -d 'a file'\n") && script.contains(" -l loud -d 'be loud'\n"))
    #expect(script.contains(" -a 'here there'\n"))
  }
}
