import Glibc
import Testing

@testable import AMQP

/// A peer on loopback that says what a test has it say. It never waits: what has come is looked at between the turns
/// of the one under test.
final class LoopbackPeer {
  let port: UInt16
  private let listener: Int32
  private var connection: Int32 = -1
  private var reader = FrameReader()
  /// What has been sent to the connection that was accepted last, its protocol header aside.
  private(set) var frames: [Frame] = []
  private(set) var acceptedCount = 0
  private var isHeaderRead = false
  private(set) var isEnded = false

  /// What it says of itself.
  private let serverProperties: [UInt8]

  init(product: String = "", version: String = "") throws {
    serverProperties = [("product", product), ("version", version)].flatMap { name, value in
      guard !value.isEmpty else { return [] as [UInt8] }
      var field = [UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(ascii: "S")]
      field.append(bigEndian: UInt32(value.utf8.count))
      return field + Array(value.utf8)
    }
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int32 in
        bind(number, address, size) | listen(number, 4) | getsockname(number, address, &size)
      }
    }
    listener = number
    try #require(code == 0)
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit {
    hangUp()
    close(listener)
  }

  func hangUp() {
    if connection >= 0 { close(connection) }
    connection = -1
  }

  /// Takes a new connection, with the login that it is to find, and what has come on it.
  func turn(reading: Bool = true) {
    let number = accept(listener, nil, nil)
    if number >= 0 {
      hangUp()
      (connection, reader, frames, isHeaderRead, isEnded) = (number, FrameReader(), [], false, false)
      acceptedCount += 1
      _ = send(login)
    }
    guard connection >= 0, reading else { return }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = recv(connection, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count == 0 || count < 0 && errno != EAGAIN { isEnded = true }
      guard count > 0 else { return }
      var bytes = buffer[..<count]
      if !isHeaderRead {
        bytes = bytes.dropFirst(8)
        isHeaderRead = true
      }
      reader.append(bytes)
      while let frame = try? reader.next() {
        frames.append(Frame(kind: frame.kind, channel: frame.channel, payload: Array(frame.payload)[...]))
      }
    }
  }

  /// Sends what the kernel takes now, and says how much that is.
  func send(_ bytes: [UInt8]) -> Int {
    var sent = 0
    while sent < bytes.count {
      let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
      let count = bytes[sent...].withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, flags) }
      guard count > 0 else { break }
      sent += count
    }
    return sent
  }

  // MARK: What a broker says

  private var login: [UInt8] {
    var start: [UInt8] = [0, 10, 0, 10, 0, 9]
    start.append(bigEndian: UInt32(serverProperties.count))
    start += serverProperties
    for text in ["PLAIN", "en_US"] {
      start.append(bigEndian: UInt32(text.utf8.count))
      start += Array(text.utf8)
    }
    // 2047 channels, frames of 128 KiB, no heartbeat.
    return Self.frame(0, start) + Self.frame(0, [0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 0])
      + Self.frame(0, [0, 10, 0, 41, 0])
  }

  static func frame(_ channel: UInt16, _ payload: [UInt8], kind: Frame.Kind = .method) -> [UInt8] {
    var bytes: [UInt8] = []
    Frame.write(kind, channel: channel, payload: payload, to: &bytes)
    return bytes
  }

  static func ack(_ channel: UInt16, _ tag: UInt8) -> [UInt8] {
    frame(channel, [0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, tag, 0])
  }

  static let blocked = frame(0, [0, 10, 0, 60, 3] + Array("low".utf8))

  /// The beginning of a delivery whose body is so large.
  static func delivery(ofSize size: UInt64) -> [UInt8] {
    var header: [UInt8] = [0, 60, 0, 0]
    header.append(bigEndian: size)
    return frame(1, [0, 60, 0, 60, 1, 116, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]) + frame(1, header + [0, 0], kind: .header)
  }
}
