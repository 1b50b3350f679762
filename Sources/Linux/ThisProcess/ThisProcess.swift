import CLinux
import Glibc

/// The process that this code runs in.
package enum ThisProcess {
  /// The environment, as `NAME=value`. The entries are bytes, since they may not be valid text.
  package static var environment: [[UInt8]] {
    var entries: [[UInt8]] = []
    var next = environ
    while let entry = next.pointee {
      entries.append(Array(UnsafeRawBufferPointer(start: entry, count: strlen(entry))))
      next += 1
    }
    return entries
  }

  /// The arguments, beginning with the program's name. They are bytes, since they may not be valid text.
  package static var arguments: [[UInt8]] {
    (0..<clinux_argument_count()).map { index in
      let argument = clinux_argument(index)
      return Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
    }
  }

  /// The path of the program's file. It is that file even if another one has replaced it.
  package static let program = "/proc/self/exe"

  package static var id: Int32 { getpid() }

  package static var parentID: Int32 { getppid() }

  /// The wall-clock time in whole seconds since 1970-01-01T00:00:00Z.
  package static var time: UInt64 { UInt64(Glibc.time(nil)) }

  /// The wall-clock time in seconds since 1970-01-01T00:00:00Z, with fractions of a second.
  package static var timeOfDay: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The wall-clock time of an instant, by the clock as it is now, in seconds since 1970-01-01T00:00:00Z.
  package static func timeOfDay(at instant: ContinuousClock.Instant) -> Double {
    timeOfDay - instant.duration(to: .now) / .nanoseconds(1) / 1e9
  }

  /// The time of CLOCK_MONOTONIC in nanoseconds. It counts from the start of the host and excludes the time it slept.
  package static var monotonicTime: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The host name, which in Kubernetes is the pod's name. Empty if it cannot be read.
  package static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether this process was started with standard input closed.
  static let isInputClosed = fcntl(STDIN_FILENO, F_GETFD) == -1

  /// Whether this process was started with standard output closed.
  package static let isOutputClosed = fcntl(STDOUT_FILENO, F_GETFD) == -1

  /// Whether this process was started with standard error closed.
  package static let isErrorClosed = fcntl(STDERR_FILENO, F_GETFD) == -1

  /// Must be called before anything else. It ignores SIGPIPE and SIGXFSZ, so that a write to a broken pipe or to a file at
  /// its size limit fails instead of ending the process. It also opens /dev/null for each standard stream that is closed.
  /// Otherwise the next descriptor would get the stream's number, and the log could be sent to a broker. Without /dev/null
  /// it opens the root directory, which cannot be written to either. Child processes get these streams closed again.
  package static func prepare() {
    _ = (isInputClosed, isOutputClosed, isErrorClosed)
    for standard in STDIN_FILENO...STDERR_FILENO where fcntl(standard, F_GETFD) == -1 {
      if open("/dev/null", O_RDWR | O_CLOEXEC) < 0 { _ = open("/", O_RDONLY | O_CLOEXEC) }
    }
    _ = InheritedSignals.atStart
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Overwrites parts of the arguments with `*`, so that `/proc` and `ps` do not show them. The parts are those of `text`
  /// at `ranges`, which are offsets in its UTF-8, in every argument that ends with `text`, such as `--url=TEXT`. Returns
  /// whether there is such an argument.
  package static func hide(_ ranges: [Range<Int>], ofArgument text: String) -> Bool {
    let text = Array(text.utf8)
    var isFound = false
    for (index, argument) in arguments.enumerated().dropFirst()
    where !text.isEmpty && argument.suffix(text.count).elementsEqual(text) {
      isFound = true
      hide(ranges, ofLast: text.count, inArgument: index)
    }
    return isFound
  }

  /// Overwrites parts of one argument with `*`. The argument at index 0 is the program's name. `ranges` are offsets in the
  /// argument's last `count` bytes.
  package static func hide(_ ranges: [Range<Int>], ofLast count: Int, inArgument index: Int) {
    guard (0..<Int(clinux_argument_count())).contains(index) else { return }
    let argument = clinux_argument(Int32(index))
    let bytes = UnsafeMutableRawBufferPointer(start: argument, count: strlen(argument))
    for offset in ranges.joined() where (0..<count).contains(offset) && count <= bytes.count {
      bytes[bytes.count - count + offset] = UInt8(ascii: "*")
    }
  }

  /// Prevents other processes of the same user from reading this process's memory and environment in `/proc`
  /// (PR_SET_DUMPABLE).
  package static func forbidDumping() { clinux_set_not_dumpable() }

  /// Writes to standard error without waiting. A text that a slow reader leaves no room for is dropped. The text is written
  /// in blocks that a pipe accepts whole (PIPE_BUF).
  package static func writeToStandardError(_ text: String) {
    write(text, to: STDERR_FILENO) {
      var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
      return Glibc.poll(&entry, 1, 0) > 0
    }
  }

  /// Writes all bytes to standard output, and waits as long as that takes.
  package static func writeToStandardOutput(_ bytes: [UInt8]) throws(SystemError) {
    // If it was closed, `prepare` has opened /dev/null instead.
    guard !isOutputClosed else { throw SystemError(call: "write", code: EBADF) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = retryingOnInterrupt { rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) } }
      if count < 0, errno == EAGAIN {
        // Another process that shares standard output has set O_NONBLOCK.
        _ = try poll([PollInterest(descriptor: STDOUT_FILENO, readable: false, writable: true)], until: nil)
        continue
      }
      guard count >= 0 else { throw SystemError("write") }
      rest.removeFirst(count)
    }
  }

  private static func write(_ text: String, to descriptor: Int32, while hasRoom: () -> Bool) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty, hasRoom() {
      let count = retryingOnInterrupt {
        rest.prefix(4096).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
      guard count > 0 else { return }
      rest.removeFirst(count)
    }
  }
}
