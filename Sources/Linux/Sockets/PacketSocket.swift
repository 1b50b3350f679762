import CLinux
import Glibc

/// One end of a Unix socket of packets (SOCK_SEQPACKET). A packet arrives whole, and can pass open descriptors to the other
/// process. Nothing waits.
package final class PacketSocket {
  /// What has arrived.
  package enum Arrival {
    case packet([UInt8], [Descriptor])
    /// The other end is closed.
    case ended
    case nothing
  }

  /// The maximum number of descriptors that a packet passes.
  package static let maxPassedCount = Int(CLINUX_MAX_PASSED)
  /// The maximum length of a socket's path in bytes. The address ends with a NUL.
  package static let maxPathLength = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  let descriptor: Descriptor
  private let maxPacketSize: Int

  init(_ descriptor: Descriptor, maxPacketSize: Int) {
    self.descriptor = descriptor
    self.maxPacketSize = maxPacketSize
  }

  /// Connects to the socket with this path, at once or not at all. The error's code is ENOENT if there is no such socket,
  /// ECONNREFUSED if nobody listens on it, and EAGAIN if too many wait for that process already.
  package convenience init(connectingTo path: String, maxPacketSize: Int) throws(SystemError) {
    let descriptor = try makePacketSocket()
    try withUnixAddress(path) { address, size in connect(descriptor.number, address, size) }.orThrow("connect")
    self.init(descriptor, maxPacketSize: maxPacketSize)
  }

  package var interest: PollInterest {
    PollInterest(descriptor: descriptor.number, readable: true, writable: false)
  }

  /// Ends the connection, even where another process has the socket open, too.
  package func shutDown() { shutdown(descriptor.number, Int32(SHUT_RDWR)) }

  /// Sends a packet. The error's code is EAGAIN if the other process does not read, and EPIPE or ECONNRESET if it is gone.
  package func send(_ bytes: [UInt8], passing descriptors: [Descriptor] = []) throws(SystemError) {
    precondition(descriptors.count <= Self.maxPassedCount, "too many descriptors for a packet")
    var bytes = bytes
    let code = bytes.withUnsafeMutableBytes { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return EINVAL }
      var packet = clinux_packet(
        bytes: base, count: buffer.count, descriptors: (-1, -1, -1, -1), descriptor_count: Int32(descriptors.count))
      withUnsafeMutableBytes(of: &packet.descriptors) { space in
        let numbers = space.bindMemory(to: Int32.self)
        for (index, descriptor) in descriptors.enumerated() { numbers[index] = descriptor.number }
      }
      return clinux_send_packet(descriptor.number, &packet)
    }
    guard code == 0 else { throw SystemError(call: "sendmsg", code: code) }
  }

  /// The next packet. The error's code is EMSGSIZE for one that is larger than `maxPacketSize`, or that passes more
  /// descriptors than `maxPassedCount`.
  package func receive() throws(SystemError) -> Arrival {
    do { return try receiveOnce() } catch {
      // The kernel reports once that the other side has left something unread. What it has sent before can still be read.
      guard error.code == ECONNRESET else { throw error }
      return try receiveOnce()
    }
  }

  private func receiveOnce() throws(SystemError) -> Arrival {
    var bytes = [UInt8](repeating: 0, count: maxPacketSize)
    var descriptors: [Descriptor] = []
    var count = 0
    let code = bytes.withUnsafeMutableBytes { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return EINVAL }
      var packet = clinux_packet(bytes: base, count: buffer.count, descriptors: (-1, -1, -1, -1), descriptor_count: 0)
      let code = clinux_receive_packet(descriptor.number, &packet)
      guard code == 0 else { return code }
      count = packet.count
      withUnsafeBytes(of: packet.descriptors) { space in
        let numbers = space.bindMemory(to: Int32.self).prefix(Int(packet.descriptor_count))
        descriptors = numbers.map { Descriptor(owning: $0) }
      }
      return 0
    }
    switch code {
    case 0: return count == 0 ? .ended : .packet(Array(bytes.prefix(count)), descriptors)
    case EAGAIN: return .nothing
    default: throw SystemError(call: "recvmsg", code: code)
    }
  }
}

/// A named Unix socket to which other processes connect with a `PacketSocket`. Its name is removed with it.
package final class PacketListener {
  private static let backlog: Int32 = 16

  private let descriptor: Descriptor
  private let path: String
  private let maxPacketSize: Int

  /// Makes the socket, in the place of one that a process has left behind. The error's code is EADDRINUSE if a process
  /// listens on it, or if there is something else with that name. Whoever may enter its directory may connect, because the
  /// other process may have another user.
  package init(path: String, maxPacketSize: Int) throws(SystemError) {
    let descriptor = try Self.bound(path)
    // From here on the name is removed if this throws. Before, it may be that of another process.
    (self.descriptor, self.path, self.maxPacketSize) = (descriptor, path, maxPacketSize)
    chmod(path, 0o666)
    try listen(descriptor.number, Self.backlog).orThrow("listen")
  }

  deinit { unlink(path) }

  private static func bound(_ path: String) throws(SystemError) -> Descriptor {
    let descriptor = try makePacketSocket()
    try removeAbandoned(path)
    try withUnixAddress(path) { address, size in bind(descriptor.number, address, size) }.orThrow("bind")
    return descriptor
  }

  private static func removeAbandoned(_ path: String) throws(SystemError) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = try makePacketSocket()
    let result = try withUnixAddress(path) { address, size in connect(probe.number, address, size) }
    if result != 0, errno == ECONNREFUSED { unlink(path) }
  }

  package var interest: PollInterest {
    PollInterest(descriptor: descriptor.number, readable: true, writable: false)
  }

  /// The next process that has connected; nil if there is none.
  package func accept() throws(SystemError) -> PacketSocket? {
    let number = retryingOnInterrupt { clinux_accept(descriptor.number) }
    if number < 0, errno == EAGAIN || errno == ECONNABORTED { return nil }
    guard number >= 0 else { throw SystemError("accept") }
    return PacketSocket(Descriptor(owning: number), maxPacketSize: maxPacketSize)
  }
}

private func makePacketSocket() throws(SystemError) -> Descriptor {
  let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  let number = socket(AF_UNIX, type, 0)
  guard number >= 0 else { throw SystemError("socket") }
  return Descriptor(owning: number)
}

/// Calls `body` with the address of the socket with this path. The error's code is ENAMETOOLONG for a path that no address
/// can hold. An empty one would stand for a socket without a name.
private func withUnixAddress(
  _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) throws(SystemError) -> Int32 {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let bytes = Array(path.utf8)
  guard !bytes.isEmpty, bytes.count <= PacketSocket.maxPathLength else {
    throw SystemError(call: "connect", code: ENAMETOOLONG)
  }
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}

extension Int32 {
  fileprivate func orThrow(_ call: String) throws(SystemError) {
    guard self == 0 else { throw SystemError(call) }
  }
}
