import Glibc

/// A TCP connection that never blocks.
package final class TCPSocket {
  private let descriptor: Descriptor

  /// Begins to connect; the socket becomes writable when that has ended, one way or the other (see `connectionError`).
  /// - Throws: `SystemError`
  package init(connectingTo address: SocketAddress) throws {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = socket(address.family, type, 0)
    guard number >= 0 else { throw SystemError("socket") }
    descriptor = Descriptor(owning: number)
    // Cancel and settlement go out in one write anyway; what follows should not wait for the peer's acknowledgement.
    var on: Int32 = 1
    setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout.size(ofValue: on)))
    let result = address.bytes.withUnsafeBytes {
      connect(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 || errno == EINPROGRESS else { throw SystemError("connect") }
  }

  package func interest(readable: Bool, writable: Bool) -> PollInterest {
    PollInterest(descriptor: descriptor.number, readable: readable, writable: writable)
  }

  /// Why connecting failed, once the socket is writable; nil where it succeeded.
  package func connectionError() -> SystemError? {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout.size(ofValue: code))
    guard getsockopt(descriptor.number, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
      return SystemError("getsockopt")
    }
    return code == 0 ? nil : SystemError(call: "connect", code: code)
  }

  /// - Throws: `SystemError`
  package func read(into buffer: inout [UInt8]) throws -> Descriptor.Transfer {
    try descriptor.read(into: &buffer)
  }

  /// - Throws: `SystemError`
  package func write(_ bytes: ArraySlice<UInt8>) throws -> Descriptor.Transfer {
    try descriptor.transferred("send") {
      bytes.withUnsafeBytes { send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
  }
}
