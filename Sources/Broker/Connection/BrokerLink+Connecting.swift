internal import AMQP
internal import Linux
internal import TLS

/// Connects: tries the addresses of the broker one after the other, until one of them accepts.
extension BrokerLink {
  func resolve(
    _ resolver: Resolver, _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) throws -> [Event] {
    guard readiness.readable else {
      return now < loginDeadline ? [] : [fail(.unreachable, "the look-up of its name takes too long")]
    }
    switch try resolver.answer() {
    case .addresses(let addresses): return try connect(to: addresses[...], now: now)
    case .failed(let reason): return [fail(.unreachable, reason)]
    }
  }

  func connect(
    to addresses: ArraySlice<SocketAddress>, now: ContinuousClock.Instant
  ) throws -> [Event] {
    guard let address = addresses.first else { return [fail(.unreachable, "its name has no address")] }
    let others = addresses.dropFirst()
    do {
      let socket = try TCPSocket(connectingTo: address)
      self.address = address
      state = .connecting(
        socket, others: others, limit: others.isEmpty ? loginDeadline : now + Self.addressLimit)
      return []
    } catch {
      return others.isEmpty ? [fail(.unreachable, error.reason)] : try connect(to: others, now: now)
    }
  }

  func connect(
    _ socket: TCPSocket, _ others: ArraySlice<SocketAddress>, limit: ContinuousClock.Instant,
    _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) throws -> [Event] {
    let reason: String
    if readiness.writable {
      guard let error = socket.connectionError() else {
        session = try tls.map { try TLSSession($0, host: broker.host) }
        state = .talking(socket)
        flush()
        return []
      }
      reason = error.reason
    } else {
      guard now >= min(limit, loginDeadline) else { return [] }
      reason = "it does not answer"
    }
    return others.isEmpty || now >= loginDeadline
      ? [fail(.unreachable, reason)] : try connect(to: others, now: now)
  }
}
