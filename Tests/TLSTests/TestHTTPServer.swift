import Glibc
import Linux
import Synchronization

/// An HTTP server on loopback, with or without TLS. It keeps each request as it came, and answers it with the next answer.
final class TestHTTPServer: Sendable {
  enum Answer: Sendable {
    /// 200 and this text.
    case text(String)
    /// The same, and then the end of the connection.
    case lastText(String)
    /// The end of the connection.
    case hangUp
  }

  /// What the server's thread alone uses.
  private struct Peer: @unchecked Sendable {
    let certificate: TestCertificate?
    let answers: [Answer]
  }

  let port: UInt16
  private let received = Mutex<[String]>([])
  private let thread: Mutex<Thread?>

  /// A server with a certificate speaks TLS.
  init(_ certificate: TestCertificate? = nil, _ answers: [Answer]) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int32 in
        bind(listener, address, size) | listen(listener, 4) | getsockname(listener, address, &size)
      }
    }
    guard code == 0 else { throw SystemError(call: "bind", code: errno) }
    port = UInt16(bigEndian: address.sin_port)
    thread = Mutex(nil)
    let peer = Peer(certificate: certificate, answers: answers)
    let thread = try Thread { [self] in
      serve(listener, peer)
      close(listener)
    }
    self.thread.withLock { $0 = thread }
  }

  /// All requests, after the last answer.
  func requests() -> [String] {
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    return received.withLock(\.self)
  }

  private func serve(_ listener: Int32, _ peer: Peer) {
    var answers = peer.answers[...]
    while !answers.isEmpty {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      serve(connection, peer.certificate.map { TestServer($0) }, &answers)
      close(connection)
    }
  }

  private func serve(_ connection: Int32, _ tls: TestServer?, _ answers: inout ArraySlice<Answer>) {
    var plaintext: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !answers.isEmpty {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      plaintext += tls?.receive(Array(buffer[..<count])) ?? Array(buffer[..<count])
      if let tls { Self.send(connection, tls.takeCiphertext()) }
      let text = String(decoding: plaintext, as: UTF8.self)
      guard Self.isComplete(text) else { continue }
      received.withLock { $0.append(text) }
      plaintext = []
      guard respond(answers.removeFirst(), connection, tls) else { return }
    }
  }

  /// Whether the connection goes on.
  private func respond(_ answer: Answer, _ connection: Int32, _ tls: TestServer?) -> Bool {
    let (text, goesOn): (String, Bool)
    switch answer {
    case .text(let content): (text, goesOn) = (content, true)
    case .lastText(let content): (text, goesOn) = (content, false)
    case .hangUp: return false
    }
    let response = Array("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)".utf8)
    tls?.send(response)
    Self.send(connection, tls?.takeCiphertext() ?? response)
    return goesOn
  }

  private static func send(_ connection: Int32, _ bytes: [UInt8]) {
    _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// Whether it is a whole request, or the beginning of TLS.
  private static func isComplete(_ text: String) -> Bool {
    let lines = text.split(separator: "\r\n" as Character, omittingEmptySubsequences: false)
    guard text.utf8.first != 0x16, let end = lines.firstIndex(of: "") else { return text.utf8.first == 0x16 }
    let headerSize = lines[...end].reduce(0) { $0 + $1.utf8.count + 2 }
    let length = lines[..<end].first { $0.hasPrefix("Content-Length: ") }.flatMap { Int($0.dropFirst(16)) }
    return text.utf8.count >= headerSize + (length ?? 0)
  }
}
