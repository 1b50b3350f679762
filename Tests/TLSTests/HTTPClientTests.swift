import HTTP
import Linux
import TLS
import Testing

@Suite struct HTTPClientTests {
  private let authority = TestCertificate(nil, commonName: "authority")
  private let files: TestFiles
  private let context: TLSContext

  init() throws {
    files = try TestFiles()
    var configuration = TLSConfiguration()
    configuration.authorities = try files.write(authority.certificatePEM)
    configuration.options = .init(authorities: "the CA option", scheme: "https")
    context = try TLSContext(configuration)
  }

  private var certificate: TestCertificate { TestCertificate("IP:127.0.0.1", issuer: authority) }

  private func client(_ scheme: String, _ port: UInt16) throws -> HTTPClient {
    let origin = try HTTPOrigin(parsing: "\(scheme)://127.0.0.1:\(port)")
    return try HTTPClient(origin, tls: scheme == "https" ? context : nil, userAgent: "test/1")
  }

  private func outcome(_ client: HTTPClient, _ request: HTTPClient.Request) throws -> HTTPClient.Outcome {
    client.send(request)
    _ = try poll([client.interest], until: .now + .seconds(60))
    return try #require(client.takeOutcome())
  }

  private func response(_ text: String) -> HTTPClient.Outcome { .response(status: 200, body: Array(text.utf8)) }

  private func server(_ scheme: String, _ answers: TestHTTPServer.Answer...) throws -> TestHTTPServer {
    try TestHTTPServer(scheme == "https" ? certificate : nil, answers)
  }

  @Test("Method, headers and body are sent, and the connection is kept", arguments: ["http", "https"])
  func requests(scheme: String) throws {
    let server = try server(scheme, .text("one"), .text("two"), .text("three"))
    let client = try client(scheme, server.port)
    let large = [UInt8](repeating: UInt8(ascii: "x"), count: 300_000)
    let post = HTTPClient.Request(.post, path: "/a?b=c", headers: ["Content-Type": "text/plain"], body: large)
    let patch = HTTPClient.Request(.patch, path: "/p", headers: ["Authorization": "Bearer t"], body: Array("{}".utf8))
    #expect(try outcome(client, post) == response("one"))
    #expect(try outcome(client, patch) == response("two"))
    #expect(try outcome(client, .init(path: "/g")) == response("three"))
    let received = server.requests()
    try #require(received.count == 3)
    #expect(received[0].hasPrefix("POST /a?b=c HTTP/1.1\r\n"))
    let body = received[0].utf8.suffix(large.count + 2)
    #expect(Array(body) == Array("\r\n".utf8) + large)
    #expect(received[0].contains("\r\nContent-Type: text/plain\r\n"))
    #expect(received[0].contains("\r\nHost: 127.0.0.1:\(server.port)\r\n"))
    #expect(received[1].hasPrefix("PATCH /p HTTP/1.1\r\n") && received[1].hasSuffix("\r\n\r\n{}"))
    #expect(received[1].contains("\r\nAuthorization: Bearer t\r\n"))
    #expect(received[2].hasPrefix("GET /g HTTP/1.1\r\n") && !received[2].contains("Content-Length"))
  }

  @Test("A connection that the server has closed is made anew", arguments: ["http", "https"])
  func closedConnection(scheme: String) throws {
    let server = try server(scheme, .lastText("one"), .lastText("two"), .text("three"))
    let client = try client(scheme, server.port)
    for text in ["one", "two", "three"] { #expect(try outcome(client, .init(path: "/")) == response(text)) }
    #expect(server.requests().count == 3)
  }

  @Test("Only a request that changes nothing is sent again", arguments: ["http", "https"])
  func repetition(scheme: String) throws {
    let server = try server(scheme, .text("one"), .hangUp, .text("two"), .hangUp)
    let client = try client(scheme, server.port)
    #expect(try outcome(client, .init(path: "/1")) == response("one"))
    #expect(try outcome(client, .init(path: "/2")) == response("two"))
    guard case .failed = try outcome(client, .init(.post, path: "/3")) else {
      Issue.record("a response to a request that had none")
      return
    }
    #expect(server.requests().map { $0.prefix(7) } == ["GET /1 ", "GET /2 ", "GET /2 ", "POST /3"])
  }

  @Test(
    "A server is asked only if its certificate is for the host, and from a trusted authority",
    arguments: [("DNS:elsewhere", true, "'elsewhere'"), ("IP:127.0.0.1", false, "the CA option")])
  func distrust(names: String, isSigned: Bool, words: String) throws {
    let other = TestCertificate(nil, commonName: "other")
    let certificate = TestCertificate(names, issuer: isSigned ? authority : other)
    let server = try TestHTTPServer(certificate, [.text("")])
    guard case .unreachable(let reason) = try outcome(client("https", server.port), .init(.post, path: "/")) else {
      Issue.record("a server that is not trusted was asked")
      return
    }
    #expect(reason.contains(words))
  }

  @Test("A port without TLS is told apart, and one that nobody listens at", arguments: [true, false])
  func noTLS(isListening: Bool) throws {
    let server = try TestHTTPServer(nil, [.text("")])
    let port: UInt16 = isListening ? server.port : 1
    guard case .unreachable(let reason) = try outcome(client("https", port), .init(path: "/")) else {
      Issue.record("a response without TLS")
      return
    }
    let noTLS = "it does not speak TLS on this port; use its port for https"
    #expect(reason == (isListening ? noTLS : "Connection refused"))
  }
}
