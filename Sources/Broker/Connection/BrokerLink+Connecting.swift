internal import AMQP
internal import Linux
internal import TLS

/// Connects: tries the addresses of the broker one after the other, until one of them accepts.
extension BrokerLink {
  func resolve(
    _ resolver: Resolver, _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) -> [Event] {
    guard readiness.readable else {
      return now < loginDeadline ? [] : [fail(.unreachable, "the look-up of its name takes too long")]
    }
    do {
      switch try resolver.answer() {
      case .addresses(let addresses): return connect(to: addresses[...], now: now)
      case .failed(let reason): return [fail(.unreachable, reason)]
      }
    } catch {
      return [fail(.system(error))]
    }
  }

  func connect(
    to addresses: ArraySlice<SocketAddress>, now: ContinuousClock.Instant
  ) -> [Event] {
    guard let address = addresses.first else { return [fail(.unreachable, "its name has no address")] }
    let others = addresses.dropFirst()
    do {
      let socket = try TCPSocket(connectingTo: address)
      self.address = address
      state = .connecting(
        socket, others: others, limit: others.isEmpty ? loginDeadline : now + Self.addressLimit)
      return []
    } catch {
      return others.isEmpty ? [fail(.unreachable, error.reason)] : connect(to: others, now: now)
    }
  }

  func connect(
    _ socket: TCPSocket, _ others: ArraySlice<SocketAddress>, limit: ContinuousClock.Instant,
    _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) -> [Event] {
    let reason: String
    if readiness.writable {
      guard let error = socket.connectionError() else {
        do {
          if let tls { session = try TLSSession(tls, host: broker.host) }
        } catch {
          return [fail(.tls(error))]
        }
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
      ? [fail(.unreachable, reason)] : connect(to: others, now: now)
  }
}
