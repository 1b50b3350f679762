import AMQP
import HTTP
import JSONText
import Testing

@testable import ItemSources

@Suite struct ReaderTests {
  @Test(arguments: [
    ("http://a:8080", "http://a:8080"), ("HTTP://a/", "http://a"), ("http://a:80/b/c//", "http://a/b/c"),
    ("http://[::1]:81/x", "http://[::1]:81/x"), ("dir:/a/b", "dir:/a/b"), ("dir:/a/*.mp4", "dir:/a/*.mp4"),
    ("dir:*.mp4", "dir:./*.mp4"), ("dir:/*.x", "dir:/*.x"), ("command:ls -1", "command"),
  ])
  func sources(text: String, description: String) throws {
    #expect("\(try SourceAddress(parsing: text))" == description)
  }

  @Test(arguments: [
    "", "ftp://a", "https://a", "http://", "http://u:p@a", "http://a?b", "http://a#b", "http://a:0", "http://a:x",
    "http://a b",
    "http://[::1", "http://::1", "dir:", "command: ", "http://a/\u{e9}", "http://a\r\nX: y",
  ])
  func noSources(text: String) {
    #expect(throws: SourceAddress.FormError.self) { try SourceAddress(parsing: text) }
  }

  @Test(arguments: [
    ("item-1_~.x", "item-1_~.x"), ("a/b", "a%2Fb"), ("a b\n", "a%20b%0A"), ("ü", "%C3%BC"), ("..", "%2E%2E"),
    ("%", "%25"),
  ])
  func segments(name: String, segment: String) { #expect(HTTPOrigin.segment(Array(name.utf8)) == segment) }

  @Test(arguments: [
    (#"{"a": 1.50, "b" : [1, {"c": "}"}] ,"d":"x\"y\\"}"#, ["a": "1.50", "b": #"[1, {"c": "}"}]"#, "d": #""x\"y\\""#]),
    ("{}", [:]), (" { \"\\u0061\" : null } ", ["a": "null"]),
    (#"{"n":123456789012345678901234567890}"#, ["n": "123456789012345678901234567890"]),
  ])
  func membersKeepTheirText(text: String, values: [String: String]) throws {
    let members = try JSONMembers(Array(text.utf8))
    for (name, value) in values { #expect(members[name].map { String(decoding: $0, as: UTF8.self) } == value) }
  }

  @Test(arguments: ["", "[]", "1", "{", #"{"a":1,"a":2}"#, #"{"a":}"#, "{} x"]) func noMembers(text: String) {
    #expect(throws: JSONReader.SyntaxError.self) { try JSONMembers(Array(text.utf8)) }
  }

  @Test func aListWithNamesThatCannotBe() throws {
    let text = #"{"kind":"ItemList","apiVersion":"v1","items":["a","","b\u0000c","d"]}"#
    guard case .names(let names, let flaw) = try ItemDocuments.list(Array(text.utf8)) else {
      return #expect(Bool(false))
    }
    #expect(names == ["a", "d"])
    #expect(flaw == "a name is empty")
  }

  @Test func bodies() throws {
    let text = Array(#"{"kind":"Item","apiVersion":"v1","data":{"a":"x\ny","n":1.0}}"#.utf8)
    #expect(try ItemDocuments.body(text, field: nil) == Array(#"{"a":"x\ny","n":1.0}"#.utf8))
    #expect(try ItemDocuments.body(text, field: "a") == Array("x\ny".utf8))
    #expect(try ItemDocuments.body(text, field: "n") == Array("1.0".utf8))
    #expect(throws: ItemDocuments.FormError.self) { try ItemDocuments.body(text, field: "b") }
  }

  @Test func complaintsAreMadeOnceForEachReason() {
    var complaints = Complaints("s")
    #expect(complaints.listed("a").count == 1)
    #expect(complaints.listed("a").isEmpty)
    #expect(complaints.listed("b").count == 1)
    #expect(complaints.listed(nil).count == 1)
    #expect(complaints.listed(nil).isEmpty)
    let failure = Poll.Failure(name: "x", reason: "no")
    #expect(complaints.polled([failure], sourceFailure: nil).count == 1)
    #expect(complaints.polled([failure, .init(name: "y", reason: "no")], sourceFailure: nil).isEmpty)
    #expect(complaints.polled([], sourceFailure: nil).isEmpty)
    #expect(complaints.polled([failure], sourceFailure: nil).count == 1)
  }
}
