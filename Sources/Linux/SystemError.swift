import Glibc

/// A failed system call: its errno, and the call's name for people.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  package var call: String
  package var code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The failure that errno tells of now.
  init(_ call: String) { self.init(call: call, code: errno) }

  /// What exec says of too long an argument.
  package static var argumentTooLong: SystemError { SystemError(call: "exec", code: E2BIG) }

  /// What was there to be read is there no more.
  package static var readFailed: SystemError { SystemError(call: "read", code: EIO) }

  /// A file, or what is to become one, is larger than it may be.
  package static var tooLarge: SystemError { SystemError(call: "write", code: EFBIG) }

  /// Nobody reads any more what was to be written.
  package var isBrokenPipe: Bool { code == EPIPE }

  /// There is no directory by the name that was used as one's.
  package var meansNoDirectory: Bool { code == ENOENT || code == ENOTDIR }

  /// What keeps a program from being started.
  package enum Obstacle: Hashable, Sendable {
    /// It, or its interpreter or loader, is not there.
    case notFound
    case notExecutable
    /// Its arguments and environment take more room than the kernel grants.
    case argumentsTooLong
    /// It, or its input, cannot be read.
    case unreadable
    /// Processes, memory or descriptors are not to be had.
    case system
  }

  /// What a failure to start a program is about.
  package var obstacle: Obstacle {
    let isOfExec = call == "exec"
    return switch code {
    case E2BIG: .argumentsTooLong
    case EIO: .unreadable
    case ENOENT where isOfExec, ENOTDIR where isOfExec: .notFound
    case ENOEXEC, EACCES, EPERM, EINVAL, ELOOP, EISDIR, ELIBBAD, ETXTBSY, ENAMETOOLONG:
      isOfExec ? .notExecutable : .system
    default: .system
    }
  }

  /// Others may free in a moment what is wanting.
  package var mayPass: Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(code) }

  /// What `strerror` says of the code.
  package var reason: String { String(cString: strerror(code)) }

  package var description: String { "\(call): \(reason)" }

  /// The reason of any error, for a line that names what failed itself.
  package static func reason(of error: any Error) -> String { (error as? SystemError)?.reason ?? "\(error)" }
}

/// Tries what processes, memory or descriptors may be wanting for, a few times in 200 ms: others may free them.
/// - Throws: what `body` threw the last time
package func patiently<Result>(_ body: () throws -> Result) throws -> Result {
  for _ in 0..<4 {
    do { return try body() } catch let error as SystemError where error.mayPass {
      usleep(50_000)
    }
  }
  return try body()
}

/// Repeats a system call for as long as a signal interrupts it, and returns its result, or -1 with errno set.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
