import Glibc

/// A non-blocking TCP connection.
package final class TCPSocket {
  private let descriptor: Descriptor

  /// Begins to connect. The socket becomes writable when it is connected or has failed; `connectionError` tells which.
  package init(connectingTo address: SocketAddress) throws(SystemError) {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = socket(address.family, type, 0)
    guard number >= 0 else { throw SystemError("socket") }
    descriptor = Descriptor(owning: number)
    // Every write is complete in itself, so Nagle's algorithm would only delay the next one.
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

  /// Why connecting failed; nil if it succeeded. Must be called only when the socket is writable.
  package func connectionError() -> SystemError? {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout.size(ofValue: code))
    guard getsockopt(descriptor.number, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
      return SystemError("getsockopt")
    }
    return code == 0 ? nil : SystemError(call: "connect", code: code)
  }

  package func read(into buffer: inout [UInt8]) throws(SystemError) -> Descriptor.Transfer {
    try descriptor.read(into: &buffer)
  }

  package func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Descriptor.Transfer {
    try descriptor.transferred("send") {
      bytes.withUnsafeBytes { send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
  }
}
