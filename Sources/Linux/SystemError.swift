import Glibc

/// A failed system call: its errno, and the call's name for people.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  public var call: String
  public var code: Int32

  public init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The failure that errno tells of now.
  init(_ call: String) { self.init(call: call, code: errno) }

  /// What exec says of too long an argument.
  public static var argumentTooLong: SystemError { SystemError(call: "exec", code: E2BIG) }

  /// Nobody reads any more what was to be written.
  public var isBrokenPipe: Bool { code == EPIPE }

  /// What is wrong with a program.
  public enum Obstacle: Hashable, Sendable {
    /// It, or its interpreter or loader, is not there.
    case notFound
    case notExecutable
  }

  /// What exec found wrong with the program; nil for what is no fault of its own.
  public var obstacle: Obstacle? {
    switch code {
    case _ where call != "exec": nil
    case ENOENT, ENOTDIR: .notFound
    case ENOEXEC, EACCES, EPERM, EINVAL, ELOOP, EISDIR, ELIBBAD: .notExecutable
    default: nil
    }
  }

  /// What `strerror` says of the code.
  public var reason: String { String(cString: strerror(code)) }

  public var description: String { "\(call): \(reason)" }

  /// The reason of any error, for a line that names what failed itself.
  public static func reason(of error: any Error) -> String { (error as? SystemError)?.reason ?? "\(error)" }
}

/// Repeats a system call for as long as a signal interrupts it, and returns its result, or -1 with errno set.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
