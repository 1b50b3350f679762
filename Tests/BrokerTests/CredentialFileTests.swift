import Glibc
import Linux
import Testing

@testable import AMQP
@testable import Broker

@Suite struct CredentialFileTests {
  private let directory: String

  init() throws {
    var template = Array("/tmp/amqp-job-tests-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func write(_ text: String, _ name: String = "secret") throws -> String {
    let path = "\(directory)/\(name)"
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
    return path
  }

  @Test("A credential file is read again by its path") func aFileIsReadAnewByItsPath() throws {
    let file = try SecretFile(write("one\r\n\n"))
    #expect(file.first == "one")
    _ = rename(try write("two\n", "new"), file.path)
    #expect(try file.read() == "two")
    unlink(file.path)
    #expect(throws: SecretFile.Unreadable.self) { try file.read() }
  }

  @Test("A pipe with a credential is read once", .timeLimit(.minutes(1)))
  func aPipeIsReadOnce() throws {
    let path = "\(directory)/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    let writer = open(path, O_RDWR)
    defer { close(writer) }
    _ = Glibc.write(writer, "one\n", 4)
    // Its other end would have us wait: the content comes by a descriptor that is at its end.
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    _ = Glibc.write(ends[1], "two\n", 4)
    close(ends[1])
    let file = try SecretFile("/dev/fd/\(ends[0])")
    #expect(try file.read() == "two")
    #expect(try file.read() == "two")
    close(ends[0])
    // What has become a pipe is not waited for.
    let regular = try SecretFile(write("three"))
    _ = rename(path, regular.path)
    #expect(throws: SecretFile.Unreadable.self) { try regular.read() }
  }

  @Test("The brokers are read again for each connection but the first") func brokersAreReadAnewButNotAtFirst() {
    var (readCount, isReadable) = (0, true)
    let old = [BrokerURL(host: "a", password: "old"), BrokerURL(host: "b", password: "old")]
    let access = BrokerAccess(.init(brokers: old), token: nil, mayLoginChange: true) {
      () throws(BrokerAccess.Unusable) in
      readCount += 1
      guard isReadable else { throw BrokerAccess.Unusable("no") }
      return .init(brokers: [BrokerURL(host: "b", password: "new"), BrokerURL(host: "c", password: "new")])
    }
    var notices: [CredentialNotice] = []
    access.report = { notices.append($0) }
    #expect(access.current() == old && readCount == 0)
    isReadable = false
    #expect(access.current() == old && readCount == 1)
    #expect(access.current() == old && notices.count == 1, "it is said once")
    isReadable = true
    #expect(access.current().map(\.host) == ["b", "c"])
    #expect(access.current(old[1]).password == "new")
    #expect(access.current(old[0]) == old[0], "it is named no more")
    #expect(notices.count == 1)
    #expect(BrokerAccess(old).current() == old)
  }

  // MARK: On an open connection

  private static func expired(in seconds: UInt64) -> String { jwt("{\"exp\": \(ThisProcess.time + seconds)}") }

  /// A link whose token has run out, and in whose file there is another one.
  private func link(
    to peer: LoopbackPeer, _ notices: @escaping (CredentialNotice) -> Void
  ) throws -> (BrokerLink, new: String) {
    let file = try SecretFile(write(Self.expired(in: 1)))
    let new = Self.expired(in: 3600)
    _ = try write(new)
    let url = BrokerURL(host: "127.0.0.1", port: peer.port, password: file.first)
    let content = BrokerAccess.Settings(brokers: [url])
    let access = BrokerAccess(content, token: file, mayLoginChange: true) { () throws(BrokerAccess.Unusable) in
      content
    }
    access.report = notices
    return (BrokerLink(broker: url, .init(url: url, heartbeat: 0, name: "test"), access: access, now: .now), new)
  }

  private func turn(_ link: BrokerLink, _ peer: LoopbackPeer) throws -> [BrokerLink.Event] {
    link.flush()
    let soon = ContinuousClock.now + .milliseconds(1)
    let readiness = try poll([link.interest].compactMap(\.self), until: soon)
    peer.turn()
    return link.process(readiness.first ?? PollReadiness(), now: .now)
  }

  private static func updates(_ peer: LoopbackPeer) -> [[UInt8]] {
    peer.frames.map { Array($0.payload) }.filter { $0.starts(with: [0, 10, 0, 70]) }
  }

  @Test("A RabbitMQ is given the new token", .timeLimit(.minutes(1)))
  func aRabbitMQIsGivenTheNewToken() throws {
    let peer = try LoopbackPeer(product: "RabbitMQ", version: "4.3.6")
    var notices: [CredentialNotice] = []
    let (link, new) = try link(to: peer) { notices.append($0) }
    while Self.updates(peer).isEmpty { _ = try turn(link, peer) }
    var expected: [UInt8] = [0, 10, 0, 70]
    expected.append(bigEndian: UInt32(new.utf8.count))
    #expect(Self.updates(peer) == [expected + Array(new.utf8) + [13] + Array("token renewed".utf8)])
    _ = peer.send(LoopbackPeer.frame(0, [0, 10, 0, 71]))
    while notices.isEmpty { _ = try turn(link, peer) }
    #expect(notices == [.renewed(path: "\(directory)/secret")])
  }

  @Test("A token that is refused is the reason for the end of the connection", .timeLimit(.minutes(1)))
  func aTokenThatIsRefusedIsTheReasonOfTheEnd() throws {
    let peer = try LoopbackPeer(product: "RabbitMQ", version: "4.3.6")
    let (link, _) = try link(to: peer) { _ in }
    while Self.updates(peer).isEmpty { _ = try turn(link, peer) }
    _ = peer.send(LoopbackPeer.frame(0, [0, 10, 0, 50, 2, 18, 2] + Array("no".utf8) + [0, 0, 0, 0]))
    var failure: BrokerFailure?
    while failure == nil { for case .failed(let found) in try turn(link, peer) { failure = found } }
    #expect(failure?.kind == .lost && failure?.isAboutCredentials == true)
    #expect(failure?.description.contains("it does not take the new token in \(directory)/secret") == true)
  }

  @Test(
    "A server that may not know the method is not given a new token", .timeLimit(.minutes(1)),
    arguments: [("RabbitMQ", "3.7.28"), ("LavinMQ", "4.3.6"), ("", "")])
  func anotherServerIsNot(product: String, version: String) throws {
    let peer = try LoopbackPeer(product: product, version: version)
    let (link, _) = try link(to: peer) { _ in }
    while !link.isOpen { _ = try turn(link, peer) }
    #expect(link.deadline == nil)
  }
}
