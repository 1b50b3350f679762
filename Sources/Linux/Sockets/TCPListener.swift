import Glibc

/// A socket that waits for TCP connections.
package final class TCPListener: Sendable {
  /// Why nobody can connect to an address: `cause` is for users.
  package struct Failure: Error, Hashable, Sendable {
    package var cause: String
  }

  private static let backlog: Int32 = 64

  let descriptor: Descriptor
  /// The address with the port that the system has chosen if 0 was asked for.
  package let address: ListenAddress

  /// Waits at the first address of the host that can be had. IPv4 addresses come first, because clients that ask for
  /// `localhost` try both, and some know only these.
  package init(_ address: ListenAddress) throws(Failure) {
    let candidates = try Self.resolve(address)
    var reason = "it has no address"
    for candidate in candidates {
      do {
        let socket = try Self.listen(at: candidate)
        self.address = ListenAddress(host: address.host, port: try Self.port(of: socket))
        descriptor = socket
        return
      } catch { reason = Self.cause(error, address) }
    }
    throw Failure(cause: reason)
  }

  private static func cause(_ error: SystemError, _ address: ListenAddress) -> String {
    switch error.code {
    case EADDRINUSE: "\(error.reason); name another port"
    case EADDRNOTAVAIL: "this host has no such address; ':\(address.port)' stands for all that it has"
    case EACCES: "\(error.reason); ports from 1024 on need no privilege"
    default: error.reason
    }
  }

  /// The socket that a parent has made this process's standard input. `address` is the one that the parent was given.
  package init(standardInputAt address: ListenAddress) throws(SystemError) {
    let number = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw SystemError("fcntl") }
    (descriptor, self.address) = (Descriptor(owning: number), address)
  }

  private static func resolve(_ address: ListenAddress) throws(Failure) -> [SocketAddress] {
    // At the unspecified address of IPv6, connections over IPv4 are taken, too.
    guard !address.host.isEmpty else {
      return try found("::", address.port, AI_NUMERICHOST) + found("0.0.0.0", address.port, AI_NUMERICHOST)
    }
    let found = try found(address.host, address.port, AI_PASSIVE)
    return found.filter { $0.family == AF_INET } + found.filter { $0.family != AF_INET }
  }

  private static func found(_ host: String, _ port: UInt16, _ flags: Int32) throws(Failure) -> [SocketAddress] {
    switch lookUp(host, port, flags: flags) {
    case .addresses(let addresses): return addresses
    case .failed(let reason): throw Failure(cause: reason)
    }
  }

  private static func listen(at address: SocketAddress) throws(SystemError) -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = socket(address.family, type, 0)
    guard number >= 0 else { throw SystemError("socket") }
    let descriptor = Descriptor(owning: number)
    // Connections of a process that has just ended do not keep the address.
    var on: Int32 = 1
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout.size(ofValue: on)))
    var off: Int32 = 0
    if address.family == AF_INET6 {
      setsockopt(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, socklen_t(MemoryLayout.size(ofValue: off)))
    }
    let result = address.bytes.withUnsafeBytes {
      bind(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 else { throw SystemError("bind") }
    guard Glibc.listen(number, backlog) == 0 else { throw SystemError("listen") }
    return descriptor
  }

  private static func port(of descriptor: Descriptor) throws(SystemError) -> UInt16 {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout.size(ofValue: storage))
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor.number, $0, &size) }
    }
    guard result == 0 else { throw SystemError("getsockname") }
    // The port is at the same place in an address of either family.
    return withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
  }

  /// Another descriptor of the same socket, for a library that closes what it gets.
  package func duplicate() throws(SystemError) -> Int32 {
    let number = fcntl(descriptor.number, F_DUPFD_CLOEXEC, 0)
    guard number >= 0 else { throw SystemError("fcntl") }
    return number
  }
}
