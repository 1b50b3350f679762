import Glibc

/// What `poll` waits for on a descriptor.
package struct PollInterest: Hashable, Sendable {
  package var descriptor: Int32
  package var readable: Bool
  package var writable: Bool

  package init(descriptor: Int32, readable: Bool, writable: Bool) {
    self.descriptor = descriptor
    self.readable = readable
    self.writable = writable
  }
}

extension [PollInterest] {
  /// Appends the interest if it is not nil, and returns its index.
  package mutating func add(_ interest: PollInterest?) -> Int? {
    guard let interest else { return nil }
    append(interest)
    return count - 1
  }
}

/// What a descriptor is ready for. An error or a hang-up counts as ready for everything that was asked for, so that the
/// next read or write reports it.
package struct PollReadiness: Hashable, Sendable {
  package var readable = false
  package var writable = false

  package var isEmpty: Bool { !readable && !writable }

  package init() {}
}

/// Waits until a descriptor is ready, a signal arrives, or `deadline` is reached. Returns the readiness of each descriptor,
/// in order.
package func poll(
  _ interests: [PollInterest], until deadline: ContinuousClock.Instant?
) throws(SystemError) -> [PollReadiness] {
  var entries = interests.map {
    pollfd(
      fd: $0.descriptor, events: Int16(($0.readable ? POLLIN : 0) | ($0.writable ? POLLOUT : 0)),
      revents: 0)
  }
  let timeout = deadline.map { milliseconds(until: $0) } ?? -1
  if Glibc.poll(&entries, nfds_t(entries.count), timeout) < 0 && errno != EINTR {
    throw SystemError("poll")
  }
  return zip(entries, interests).map { entry, interest in
    let failed = Int32(entry.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
    var readiness = PollReadiness()
    readiness.readable = interest.readable && (failed || Int32(entry.revents) & POLLIN != 0)
    readiness.writable = interest.writable && (failed || Int32(entry.revents) & POLLOUT != 0)
    return readiness
  }
}

/// The time until `deadline`, rounded up so that no timer fires early. It is at most an hour; the caller's loop handles
/// the early return like any other wake-up.
private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
  let left = ContinuousClock.now.duration(to: deadline)
  guard left > .zero else { return 0 }
  guard left < .seconds(3600) else { return 3_600_000 }
  return Int32((left + .microseconds(999)) / .milliseconds(1))
}
