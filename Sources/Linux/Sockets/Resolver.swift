import Glibc

/// An address to connect to, as getaddrinfo(3) returns it.
package struct SocketAddress: Hashable, Sendable {
  let family: Int32
  let bytes: [UInt8]

  /// The address as text, without a port; empty if it has no such form.
  package var numericHost: String {
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = bytes.withUnsafeBytes { address in
      getnameinfo(
        address.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count), &name,
        socklen_t(name.count), nil, 0, NI_NUMERICHOST)
    }
    return code == 0 ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
  }
}

/// Resolves a host name on a separate thread, because getaddrinfo(3) can neither be interrupted nor given a deadline.
package final class Resolver {
  package enum Answer: Sendable {
    case addresses([SocketAddress])
    /// The look-up failed, for the reason that the resolver gives.
    case failed(String)
  }

  /// The question and the answer, which both threads access. The pipe orders these accesses.
  private final class Lookup: @unchecked Sendable {
    let host: String
    let port: UInt16
    let done: Descriptor
    var answer = Answer.failed("no answer")

    init(host: String, port: UInt16, done: Descriptor) {
      self.host = host
      self.port = port
      self.done = done
    }
  }

  private let lookup: Lookup
  private let completion: Descriptor

  /// Begins to resolve `host`.
  package init(host: String, port: UInt16) throws(SystemError) {
    let pipe = try makePipe()
    completion = pipe.readEnd
    lookup = Lookup(host: host, port: port, done: pipe.writeEnd)
    // A numeric address is resolved without a thread.
    if case .addresses(let found) = lookUp(host, port, flags: AI_NUMERICHOST) {
      lookup.answer = .addresses(found)
      _ = try lookup.done.write([0])
      return
    }
    let thread = try Thread { [lookup] in
      lookup.answer = lookUp(lookup.host, lookup.port, flags: 0)
      _ = try? lookup.done.write([0])
    }
    thread.detach()
  }

  /// Answers with the given addresses at once.
  package init(known addresses: [SocketAddress]) throws(SystemError) {
    let pipe = try makePipe()
    completion = pipe.readEnd
    lookup = Lookup(host: "", port: 0, done: pipe.writeEnd)
    lookup.answer = .addresses(addresses)
    _ = try lookup.done.write([0])
  }

  /// Becomes readable when the answer is available.
  package var interest: PollInterest {
    PollInterest(descriptor: completion.number, readable: true, writable: false)
  }

  /// Returns the answer. Must be called only when `interest` is ready.
  package func answer() throws(SystemError) -> Answer {
    var byte: [UInt8] = [0]
    _ = try completion.read(into: &byte)
    return lookup.answer
  }
}

/// The addresses of a host, as getaddrinfo(3) finds them with these flags.
func lookUp(_ host: String, _ port: UInt16, flags: Int32) -> Resolver.Answer {
  var hints = addrinfo()
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  hints.ai_flags = flags | AI_ADDRCONFIG | AI_NUMERICSERV
  if flags & AI_NUMERICHOST != 0 { hints.ai_flags &= ~AI_ADDRCONFIG }
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(host, String(port), &hints, &list)
  guard code == 0 else {
    return .failed(code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code)))
  }
  defer { freeaddrinfo(list) }
  var addresses: [SocketAddress] = []
  var next = list
  while let entry = next?.pointee {
    addresses.append(
      SocketAddress(
        family: entry.ai_family,
        bytes: Array(UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen)))))
    next = entry.ai_next
  }
  return .addresses(addresses)
}
