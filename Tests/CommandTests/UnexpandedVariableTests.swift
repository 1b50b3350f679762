import Testing

@testable import amqp_job

@Suite("Variables that no shell expands") struct UnexpandedVariableTests {
  private func warning(_ words: String...) -> String? { UnexpandedVariable(words.map { Array($0.utf8) })?.warning }

  @Test("An argument that is such a variable is warned of") func arguments() throws {
    let warning = try #require(self.warning("cat", "-n", "$WORK_ITEM_FILE"))
    #expect(warning.contains("'$WORK_ITEM_FILE'") && warning.hasSuffix("sh -c '... \"$WORK_ITEM_FILE\"'"))
    #expect(self.warning("cat", "${WORK_ITEM_FILE}.txt") != nil)
  }

  @Test("What a shell reads, and other words, are left alone") func others() {
    #expect(warning("sh", "-c", "cat $WORK_ITEM_FILE") == nil)
    #expect(warning("sh", "-c", "cat $1", "sh", "$WORK_ITEM_FILE") == nil)
    #expect(warning("echo", "$HOME", "WORK_ITEM_FILE") == nil && warning() == nil)
  }
}
