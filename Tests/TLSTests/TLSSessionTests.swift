import COpenSSL
import TLS
import Testing

@Suite struct TLSSessionTests {
  private let authority = TestCertificate(nil, commonName: "authority")
  private let files: TestFiles
  private var configuration = TLSConfiguration()

  init() throws {
    files = try TestFiles()
    configuration.authorities = try files.write(authority.certificatePEM)
  }

  private func server(_ names: String?, validity: ClosedRange<Int> = -3600...3600) -> TestServer {
    TestServer(TestCertificate(names, issuer: authority, validity: validity))
  }

  /// A client for `host` that has completed the handshake with the server.
  private func connect(
    _ host: String, _ server: TestServer, _ change: (inout TLSConfiguration) throws -> Void = { _ in }
  ) throws -> TLSSession {
    var configuration = configuration
    try change(&configuration)
    let client = try TLSSession(TLSContext(configuration), host: host)
    try server.exchange(with: client)
    return client
  }

  /// The reason for which the client does not trust the server, or the server does not trust the client.
  private func distrust(
    _ host: String, _ server: TestServer, _ change: (inout TLSConfiguration) throws -> Void = { _ in }
  ) -> String? {
    let error = #expect(throws: TLSError.self) { try connect(host, server, change) }
    if case .untrusted(let reason) = error { return reason } else { return nil }
  }

  @Test("Plaintext is carried in both directions, and the end is announced") func plaintext() throws {
    let server = server("DNS:localhost")
    let client = try connect("localhost", server)
    #expect(client.isEstablished)
    let large = [UInt8](repeating: 7, count: 100_000)
    try client.send(large[...])
    server.send([1, 2, 3])
    let received = try server.exchange(with: client)
    #expect(received.server == large && received.client == [1, 2, 3])
    client.close()
    try server.exchange(with: client)
    #expect(server.isClosedByClient)
  }

  @Test("Ciphertext may arrive in pieces of any size") func splitCiphertext() throws {
    let server = server("DNS:localhost")
    let client = try TLSSession(TLSContext(configuration), host: "localhost")
    var received: [UInt8] = []
    while !client.isEstablished {
      _ = server.receive(client.ciphertext)
      client.ciphertext = []
      for byte in server.takeCiphertext() { received += try client.receive([byte]) }
    }
    try server.exchange(with: client)
    server.send([1, 2, 3])
    for byte in server.takeCiphertext() { received += try client.receive([byte]) }
    #expect(received == [1, 2, 3])
  }

  @Test(
    "A certificate is accepted for the names and addresses in it",
    arguments: [
      ("DNS:broker.example", "broker.example"), ("DNS:broker.example", "broker.example."),
      ("DNS:*.mq.example", "broker.mq.example"), ("IP:127.0.0.1", "127.0.0.1"), ("IP:::1", "::1"),
      ("DNS:a,DNS:b", "b"),
    ])
  func acceptedNames(names: String, host: String) throws {
    #expect(try connect(host, server(names)).isEstablished)
  }

  @Test(
    "A certificate for other names is rejected, and the reason tells its names",
    arguments: [
      ("DNS:a", "broker", "not for 'broker' but for 'a'; use a name that it is for, or --tls-server-name"),
      ("DNS:a,DNS:b,DNS:c,DNS:d", "broker", "'a', 'b', 'c', ...;"),
      ("DNS:b*.example", "broker.example", "'b*.example'"),
      ("DNS:127.0.0.1", "127.0.0.1", "subjectAltName IP:127.0.0.1"), ("IP:127.0.0.1", "::1", "but for '127.0.0.1'"),
      (nil, "test", "nor for any host"),
    ] as [(String?, String, String)])
  func rejectedNames(names: String?, host: String, reason: String) throws {
    #expect(distrust(host, server(names))?.contains(reason) == true)
  }

  @Test("A server name in the settings replaces the host") func serverName() throws {
    #expect(try connect("localhost", server("DNS:broker")) { $0.serverName = "broker" }.isEstablished)
  }

  @Test("A certificate is rejected outside of its validity") func validity() throws {
    let expired = distrust("localhost", server("DNS:localhost", validity: -7200 ... -3600))
    #expect(expired?.contains("expired on 20") == true)
    let future = distrust("localhost", server("DNS:localhost", validity: 3600...7200))
    #expect(future?.contains("not valid yet") == true)
  }

  @Test(
    "A certificate of an unknown authority is rejected, but accepted without verification",
    arguments: ["other", "authority"])
  func unknownAuthority(commonName: String) throws {
    let certificate = TestCertificate("DNS:localhost", issuer: TestCertificate(nil, commonName: commonName))
    #expect(distrust("localhost", TestServer(certificate))?.contains("trusted authority; use --tls-ca") == true)
    #expect(try connect("localhost", TestServer(certificate)) { $0.verifies = false }.isEstablished)
  }

  @Test("A required client certificate is named if it is missing or not accepted") func clientCertificate() throws {
    func server() -> TestServer {
      TestServer(TestCertificate("DNS:localhost", issuer: authority), clientAuthority: authority)
    }
    func use(_ certificate: TestCertificate) -> (inout TLSConfiguration) throws -> Void {
      { $0.certificate = try files.write(certificate.certificatePEM + certificate.keyPEM) }
    }
    #expect(distrust("localhost", server())?.contains("requires a certificate from the client") == true)
    let other = TestCertificate(nil, commonName: "other")
    #expect(distrust("localhost", server(), use(other))?.contains("does not accept the client certificate") == true)
    let client = TestCertificate(nil, issuer: authority)
    #expect(try connect("localhost", server(), use(client)).isEstablished)
  }

  @Test("A server that does not speak TLS is recognized") func noTLS() throws {
    let client = try TLSSession(TLSContext(configuration), host: "localhost")
    let error = #expect(throws: TLSError.self) { try client.receive(Array("AMQP\0\0\u{9}\u{1}".utf8)[...]) }
    #expect("\(try #require(error))".contains("does not speak TLS"))
  }
}
