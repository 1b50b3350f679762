import Broker
import Linux
import Testing

@testable import JobRunner

@Suite struct ArgumentTemplateTests {
  private func filled(_ words: String..., with item: [UInt8]) throws -> [String] {
    try ArgumentTemplate(words.map { Array($0.utf8) }).filled(with: .memory(item))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("The item replaces every placeholder, also within words") func putsTheItemInEveryPlaceAlsoWithinWords() throws {
    let item = Array("a b".utf8)
    #expect(try filled("convert", "{}", "-o", "{}.png", with: item) == ["convert", "a b", "-o", "a b.png"])
    #expect(try filled("x", "{}{}", "{{}}", "<{}-{}>", with: item) == ["x", "a ba b", "{a b}", "<a b-a b>"])
    #expect(try filled("x", "{", "}", "{ }", "", with: item) == ["x", "{", "}", "{ }", ""])
  }

  @Test("The command's name has no placeholder") func leavesTheCommandsNameAlone() throws {
    #expect(try filled("{}", "{}", with: [65]) == ["{}", "A"])
    #expect(!ArgumentTemplate([Array("{}".utf8), Array("x".utf8)]).hasPlaceholder)
    #expect(ArgumentTemplate([Array("x".utf8), Array("a{}".utf8)]).hasPlaceholder)
  }

  @Test("A placeholder within an item stays as it is") func putsNoItemIntoAnItem() throws {
    #expect(try filled("x", "{}-{}", with: Array("{}".utf8)) == ["x", "{}-{}"])
  }

  @Test("An empty item leaves an empty argument") func anEmptyItemLeavesAnEmptyArgument() throws {
    #expect(try filled("x", "{}", "a{}b", with: []) == ["x", "", "ab"])
  }

  @Test("An item's bytes are not changed in an argument") func takesBytesAsTheyAre() throws {
    let template = ArgumentTemplate([[120], [0xff] + Array("{}".utf8)])
    #expect(try template.filled(with: .memory([0xfe, 10])) == [[120], [0xff, 0xfe, 10]])
  }

  @Test("An item that no argument can hold is refused") func refusesWhatNoArgumentHolds() {
    let template = ArgumentTemplate([[120], Array("{}".utf8)])
    #expect(throws: ArgumentTemplate.Failure.holdsNUL) { try template.filled(with: .memory([65, 0])) }
    let long = [UInt8](repeating: 65, count: ProcessGroups.maxArgumentLength + 1)
    #expect(throws: SystemError.argumentTooLong) { try template.filled(with: .memory(long)) }
  }
}
