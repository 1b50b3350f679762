import HTTP
import JSONText
import Testing

@testable import Telemetry

@Suite struct TraceRequestTests {
  private let context = SpanContext(traceID: .init(high: 1, low: 0xFF), spanID: 0xAB, isSampled: true)

  private func request(_ span: Span) -> TraceRequest {
    TraceRequest(
      resource: [.init("service.name", .text("s"))], program: "amqp-job", version: "1.2", spans: [span])
  }

  private func span(parentID: UInt64? = nil, traceState: String? = nil, failure: Span.Failure? = nil) -> Span {
    Span(
      "process q", context, parentID: parentID, traceState: traceState, start: 1_700_000_000_000_000_001,
      end: 1_700_000_000_500_000_000, [.init("a", .text("b\"\n")), .init("n", .integer(-7))], failure: failure)
  }

  @Test("Ids are in hexadecimal, numbers of 64 bits are texts, and enumerations are numbers") func encoding() {
    let text = String(decoding: request(span()).json, as: UTF8.self)
    #expect(
      text == #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"#
        + #""scopeSpans":[{"scope":{"name":"amqp-job","version":"1.2"},"spans":["#
        + #"{"traceId":"000000000000000100000000000000ff","spanId":"00000000000000ab","name":"process q","kind":5,"#
        + #""startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000500000000","#
        + #""attributes":[{"key":"a","value":{"stringValue":"b\"\n"}},{"key":"n","value":{"intValue":"-7"}}]}]}]}]}"#)
  }

  @Test("A failure is a status with the code of an error, and an attribute") func failure() {
    let text = String(
      decoding: request(span(parentID: 1, traceState: "x=1", failure: .init(type: "killed", message: "it was"))).json,
      as: UTF8.self)
    #expect(text.contains(#""traceState":"x=1","parentSpanId":"0000000000000001""#))
    #expect(text.contains(#"{"key":"error.type","value":{"stringValue":"killed"}}]"#))
    #expect(text.contains(#""status":{"message":"it was","code":2}"#))
  }

  @Test("Text of any bytes makes valid JSON") func anyText() throws {
    var odd = span()
    odd.name = String(decoding: [0xFF, 0x00, 0x22, 0x5C, 0x0A], as: UTF8.self)
    #expect(throws: Never.self) { try JSONReader.read(request(odd).json) }
  }

  @Test(
    "An answer is final, or the same request may be sent again",
    arguments: [
      (200, "{}", .accepted), (200, "", .accepted), (202, "no JSON", .accepted),
      (200, #"{"partialSuccess":{}}"#, .accepted),
      (200, #"{"partialSuccess":{"rejectedSpans":"2"}}"#, .partlyAccepted(rejected: 2, reason: "it rejects some")),
      (
        200, #"{"partialSuccess":{"rejectedSpans":1,"errorMessage":"old"}}"#,
        .partlyAccepted(rejected: 1, reason: "it rejects some: old")
      ),
      (503, "", .unavailable(reason: "it answers 503")), (429, "", .unavailable(reason: "it answers 429")),
      (502, "", .unavailable(reason: "it answers 502")), (504, "", .unavailable(reason: "it answers 504")),
      (500, "", .refused(reason: "it answers 500")), (400, "", .refused(reason: "it answers 400")),
      (401, "", .refused(reason: "it answers 401")), (302, "", .refused(reason: "it answers 302")),
    ] as [(Int, String, ExportAnswer)])
  func answers(status: Int, body: String, answer: ExportAnswer) {
    #expect(ExportAnswer(.response(status: status, body: Array(body.utf8))) == answer)
  }

  @Test("A collector that cannot be reached may be reached later") func unreachable() {
    #expect(ExportAnswer(.unreachable("no")) == .unavailable(reason: "no"))
    #expect(ExportAnswer(.failed("half")) == .unavailable(reason: "half"))
  }
}
