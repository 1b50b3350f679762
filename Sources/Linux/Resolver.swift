import Glibc

/// An address to connect to, as the resolver gave it.
package struct SocketAddress: Hashable, Sendable {
  let family: Int32
  let bytes: [UInt8]
}

/// Looks a host name up on a thread of its own, since `getaddrinfo` can neither be interrupted nor given a deadline.
package final class Resolver {
  package enum Answer: Sendable {
    case addresses([SocketAddress])
    /// What the resolver says of the failure.
    case failed(String)
  }

  /// What the thread works on and leaves its answer in. The pipe orders the two sides' accesses.
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

  /// Begins the look-up.
  /// - Throws: `SystemError`
  package init(host: String, port: UInt16) throws {
    let pipe = try makePipe()
    completion = pipe.readEnd
    lookup = Lookup(host: host, port: port, done: pipe.writeEnd)
    // An address needs no look-up, and so no thread.
    if case .addresses(let found) = lookUp(host, port, flags: AI_NUMERICHOST) {
      lookup.answer = .addresses(found)
      _ = try lookup.done.write([0])
      return
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(lookup)
    let code = pthread_create(
      &thread, nil,
      { context in
        let lookup = Unmanaged<Lookup>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue()
        lookup.answer = lookUp(lookup.host, lookup.port, flags: 0)
        _ = try? lookup.done.write([0])
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw SystemError(call: "pthread_create", code: code)
    }
    pthread_detach(thread)
  }

  /// Has the answer already, and so needs no thread.
  /// - Throws: `SystemError`
  package init(known addresses: [SocketAddress]) throws {
    let pipe = try makePipe()
    completion = pipe.readEnd
    lookup = Lookup(host: "", port: 0, done: pipe.writeEnd)
    lookup.answer = .addresses(addresses)
    _ = try lookup.done.write([0])
  }

  /// Readable when the answer is there.
  package var interest: PollInterest {
    PollInterest(descriptor: completion.number, readable: true, writable: false)
  }

  /// The answer; to be asked for once `interest` is ready.
  /// - Throws: `SystemError`
  package func answer() throws -> Answer {
    var byte: [UInt8] = [0]
    _ = try completion.read(into: &byte)
    return lookup.answer
  }
}

private func lookUp(_ host: String, _ port: UInt16, flags: Int32) -> Resolver.Answer {
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
