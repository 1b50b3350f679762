import Testing

@testable import Steps

@Suite struct StepEnvironmentTests {
  private func merged(_ entries: [String], with variables: [String]) -> [String] {
    let encoded = StepEnvironment.encoded(variables.map { Array($0.utf8) })
    return StepEnvironment.merged(entries.map { Array($0.utf8) }, with: encoded).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test("The variables come beside the container's own") func theVariablesComeBesideTheContainersOwn() {
    #expect(
      merged(["PATH=/bin", "A="], with: ["WORK_ITEM_ID=7", "WORK_ITEM_TYPE=a=b"])
        == ["PATH=/bin", "A=", "WORK_ITEM_ID=7", "WORK_ITEM_TYPE=a=b"])
  }

  @Test("A variable takes the place of the container's own") func aVariableTakesThePlaceOfTheContainersOwn() {
    #expect(merged(["TRACEPARENT=old", "B=1"], with: ["TRACEPARENT=new"]) == ["B=1", "TRACEPARENT=new"])
  }

  @Test("Empty values and lines are kept") func emptyValuesAndLinesAreKept() {
    #expect(
      merged([], with: ["WORK_ITEM_ID=", "WORK_ITEM_HEADER_A=x\ny"]) == ["WORK_ITEM_ID=", "WORK_ITEM_HEADER_A=x\ny"])
  }

  @Test("Nothing else can be passed") func nothingElseCanBePassed() {
    let passed = ["PATH=/tmp", "LD_PRELOAD=x", "WORK_ITEM_ID", "", "=", "TRACEPARENTS=1", "WORK_ITEM_ID=7"]
    #expect(merged(["PATH=/bin"], with: passed) == ["PATH=/bin", "WORK_ITEM_ID=7"])
  }

  @Test("Bytes that are not text are kept") func bytesThatAreNotTextAreKept() {
    let variable: [UInt8] = Array("WORK_ITEM_ID=".utf8) + [0xFF, 0x80]
    #expect(StepEnvironment.merged([], with: StepEnvironment.encoded([variable])) == [variable])
  }
}
