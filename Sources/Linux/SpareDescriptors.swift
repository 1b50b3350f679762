import Glibc

/// Descriptors that are kept free for later, by holding them until then.
package final class SpareDescriptors {
  private let descriptors: [Descriptor]

  /// - Throws: `SystemError`: there are not that many.
  package init(count: Int) throws {
    descriptors = try (0..<count).map { _ in
      let number = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
      guard number >= 0 else { throw SystemError("fcntl") }
      return Descriptor(owning: number)
    }
  }
}
