import AMQP
import JSONText
import Testing

@testable import Publishing

@Suite struct JSONItemTests {
  private func item(_ text: String, defaults: BasicProperties = BasicProperties()) throws -> JSONItem {
    try JSONItem(Array(text.utf8), defaults: defaults)
  }

  @Test("A JSON line has a body, properties and headers") func bodyPropertiesAndHeaders() throws {
    let item = try item(
      #"{"body": "a\u00e9\u0000", "properties": {"content_type": "x/y", "priority": 7, "expiration": 60000, "timestamp": 5},"#
        + #" "headers": {"n": -1, "f": 0.5, "yes": true, "none": null, "list": [1, {"a": "b"}]}}"#)
    #expect(item.body == Array("aé\0".utf8))
    #expect(item.properties.contentType == "x/y" && item.properties.priority == 7)
    #expect(item.properties.expiration == "60000" && item.properties.timestamp == 5)
    let headers: FieldTable = [
      "n": .int64(-1), "f": .double(0.5), "yes": .boolean(true), "none": .void,
      "list": .array([.int64(1), .table(["a": .string("b")])]),
    ]
    #expect(item.properties.headers == headers)
  }

  @Test("A field that a JSON line leaves out falls back to the options") func whatItDoesNotSayIsAsForAll() throws {
    var defaults = BasicProperties()
    (defaults.type, defaults.deliveryMode) = ("a", 2)
    defaults.headers = ["kept": .int64(1), "other": .int64(1)]
    let item = try item(#"{"body": "", "properties": {"type": "b"}, "headers": {"other": 2}}"#, defaults: defaults)
    #expect(item.properties.type == "b" && item.properties.deliveryMode == 2)
    #expect(item.properties.headers == ["kept": .int64(1), "other": .int64(2)])
  }

  @Test(
    "Base64 is decoded",
    arguments: [
      ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
      ("Zm9vYmFy", "foobar"),
    ])
  func base64(_ encoded: String, _ decoded: String) throws {
    #expect(try item(#"{"body_base64": "\#(encoded)"}"#).body == Array(decoded.utf8))
  }

  @Test("Every byte can be written in Base64") func everyByteOfBase64() {
    #expect(Base64.decoded("+/+/AIA=") == [0xfb, 0xff, 0xbf, 0x00, 0x80])
    #expect(Base64.decodedURL("-_-_AIA".utf8) == [0xfb, 0xff, 0xbf, 0x00, 0x80])
    #expect(Base64.decodedURL("AAAAA".utf8) == nil && Base64.decodedURL("+A".utf8) == nil)
  }

  @Test("What is encoded in Base64 is decoded again", arguments: 0..<7)
  func base64RoundTrip(count: Int) {
    let bytes = (0..<count).map { UInt8(251 - $0 * 40) }
    #expect(Base64.decoded(Base64.encoded(bytes)) == bytes)
    #expect(Base64.encoded(bytes).utf8.count == (count + 2) / 3 * 4)
  }

  @Test(
    "Base64 is that of RFC 4648",
    arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
  func base64Encoding(text: String, encoded: String) { #expect(Base64.encoded(Array(text.utf8)) == encoded) }

  @Test(
    "Headers have only as many levels as AMQP allows",
    arguments: [1, FieldTable.maxDepth, FieldTable.maxDepth + 1, 2000, 3000, 100_000])
  func headersHaveSoManyLevels(levels: Int) throws {
    let value = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    let text = #"{"body": "a", "headers": {"deep": \#(value)}}"#
    if levels <= FieldTable.maxDepth {
      #expect(try item(text).properties.headers?.entries.count == 1)
    } else {
      #expect(throws: (any Error).self) { try item(text) }
    }
  }

  @Test(
    "A JSON line that is no item is answered with the rule that it breaks",
    arguments: [
      (#"{"body": 1}"#, "'body' must be a string"), (#"{"body": {"a": 1}}"#, "'body' must be a string"),
      (#"{"body_base64": "!!"}"#, "'body_base64' must be base64"),
      (#"{"body": "a", "headers": [1]}"#, "'headers' must be an object"),
      (#"{"body": "a", "properties": {"type": 7}}"#, "'type' must be a string"),
      (#"{"body": "a", "properties": {"priority": "5"}}"#, "'priority' must be a whole number from 0 to 255"),
      (
        #"{"body": "a", "properties": {"expiration": "5s"}}"#,
        "'expiration' must be a whole number from 1 to 4294967295 (milliseconds)"
      ),
      (
        #"{"body": "a", "properties": {"timestamp": -1}}"#,
        "'timestamp' must be a whole number from 0 (seconds since 1970)"
      ),
      (#"{"body": "a", "body_base64": ""}"#, "it has two bodies"), ("{}", "it has neither body nor body_base64"),
      (#"{"Body": "a"}"#, "'Body' is none of body, body_base64, properties and headers"),
      ("[]", "it is not a JSON object"),
      ("a", "it is not a JSON object"),
    ])
  func theRuleThatIsBroken(_ text: String, _ rule: String) {
    #expect(throws: JSONItem.FormError(rule)) { try item(text) }
  }

  @Test(
    "A JSON line that is no item is refused",
    arguments: [
      "", "[]", "7", "{", #"{"body": 1}"#, "{}", #"{"body": "a", "body": "b"}"#,
      #"{"body": "a", "body_base64": "Zg=="}"#,
      #"{"body_base64": "Zg="}"#, #"{"body_base64": "!!", "body": "a"}"#, #"{"body_base64": "Z g="}"#,
      #"{"body_base64": "Z=g="}"#, #"{"body": "a", "other": 1}"#,
      #"{"body": "a", "properties": {"priority": 256}}"#, #"{"body": "a", "properties": {"nosuch": "a"}}"#,
      #"{"body": "a", "properties": {"delivery_mode": 1}}"#, #"{"body": "a", "headers": [1]}"#,
      #"{"body": "a", "headers": {"n": 99999999999999999999}}"#, #"{"body": "a"} {"body": "b"}"#,
      "{\"body\": \"\u{1}\"}",
      "{\"body\": \"a\", \"properties\": {\"type\": \"\(String(repeating: "x", count: 256))\"}}",
    ])
  func refused(_ text: String) {
    #expect(throws: (any Error).self) { try item(text) }
  }
}
