import Glibc

/// File descriptors that are reserved for later use. Releasing this object frees them.
package final class SpareDescriptors {
  private let descriptors: [Descriptor]

  /// How many descriptors this process may have (RLIMIT_NOFILE).
  package static var limit: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
  }

  /// Throws EMFILE if fewer than `count` descriptors are free.
  package init(count: Int) throws(SystemError) {
    descriptors = try (0..<count).map { _ throws(SystemError) in
      let number = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
      guard number >= 0 else { throw SystemError("fcntl") }
      return Descriptor(owning: number)
    }
  }
}
