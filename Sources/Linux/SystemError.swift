import Glibc

/// A failed system call: its name, which is shown to users, and its errno.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  package var call: String
  package var code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// Takes the code from errno.
  init(_ call: String) { self.init(call: call, code: errno) }

  /// The error of a call that lacks memory or another resource, and says no more than that.
  package static func shortage(_ call: String) -> SystemError { SystemError(call: call, code: ENOMEM) }

  /// The error of exec for an argument that is too long.
  package static var argumentTooLong: SystemError { SystemError(call: "exec", code: E2BIG) }

  /// The error of reading data that is no longer available.
  package static var readFailed: SystemError { SystemError(call: "read", code: EIO) }

  /// The error of reading a file that another process has changed since it was written.
  static var fileChanged: SystemError { SystemError(call: "pread", code: ESTALE) }

  /// Whether another process has changed a file that this one wrote.
  package var isOfChangedFile: Bool { code == ESTALE }

  /// The error of writing a file that exceeds its size limit.
  package static var tooLarge: SystemError { SystemError(call: "write", code: EFBIG) }

  /// The error of asking for something that a process does no more.
  package static func canceled(_ call: String) -> SystemError { SystemError(call: call, code: ECANCELED) }

  package var isCanceled: Bool { code == ECANCELED }

  /// Whether a child was not started because the deadline had passed.
  package var isPastDeadline: Bool { code == ETIME }

  package var isBrokenPipe: Bool { code == EPIPE }

  /// Whether a socket has that address already, or there is something else with its path.
  package var isAddressInUse: Bool { code == EADDRINUSE }

  /// Whether a path does not exist.
  package var isMissing: Bool { code == ENOENT }

  /// Whether a path exists that should not.
  package var isThereAlready: Bool { code == EEXIST }

  /// Whether a path that should be a directory does not exist or is something else.
  package var isMissingDirectory: Bool { code == ENOENT || code == ENOTDIR }

  /// Whether nobody waits at the path of a socket: it does not exist, or its process has gone.
  package var isNobodyThere: Bool { code == ENOENT || code == ENOTDIR || code == ECONNREFUSED }

  /// Why a program could not be started.
  package enum StartFailure: Hashable, Sendable {
    /// The program, its interpreter or its loader does not exist.
    case notFound
    case notExecutable
    /// The arguments and the environment exceed the kernel's size limit.
    case argumentsTooLong
    /// The program or its input cannot be read.
    case unreadable
    /// There are not enough processes, memory or descriptors.
    case system
  }

  /// Classifies an error of `ProcessGroups.start` and of preparing its input.
  package var startFailure: StartFailure {
    let isOfExec = call == "exec"
    return switch code {
    case E2BIG: .argumentsTooLong
    case EIO, ESTALE: .unreadable
    case ENOENT where isOfExec, ENOTDIR where isOfExec: .notFound
    case ENOEXEC, EACCES, EPERM, EINVAL, ELOOP, EISDIR, ELIBBAD, ETXTBSY, ENAMETOOLONG:
      isOfExec ? .notExecutable : .system
    default: .system
    }
  }

  /// Whether a resource is exhausted that other processes may free at any time.
  package var isTemporary: Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(code) }

  /// The text of strerror(3) for the code.
  package var reason: String { String(cString: strerror(code)) }

  /// Why no file can be made in a directory.
  package var reasonForNoFile: String { code == EOPNOTSUPP ? "its file system takes no new files" : reason }

  package var description: String { "\(call): \(reason)" }

  /// The reason of any error, for a message that already names what failed.
  package static func reason(of error: any Error) -> String { (error as? SystemError)?.reason ?? "\(error)" }
}

/// Calls `body`, and repeats it up to four times within 200 ms if processes, memory or descriptors are exhausted.
package func retryingOnShortage<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  for _ in 0..<4 {
    do { return try body() } catch {
      guard let systemError = error as? SystemError, systemError.isTemporary else { throw error }
      usleep(50_000)
    }
  }
  return try body()
}

/// Repeats a system call while signals interrupt it (EINTR). Returns its result, or -1 with errno set.
func retryingOnInterrupt<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
