import CLinux
import Glibc

/// The process that we are.
package enum ThisProcess {
  /// The environment, `NAME=value`, as bytes: it need not be text.
  package static var environment: [[UInt8]] {
    var entries: [[UInt8]] = []
    var next = environ
    while let entry = next.pointee {
      entries.append(Array(UnsafeRawBufferPointer(start: entry, count: strlen(entry))))
      next += 1
    }
    return entries
  }

  /// The arguments, the program's name first, as bytes: they need not be text.
  package static var arguments: [[UInt8]] {
    (0..<clinux_argument_count()).map { index in
      let argument = clinux_argument(index)
      return Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
    }
  }

  /// The wall clock, in seconds since 1970-01-01T00:00:00Z.
  package static var time: UInt64 { UInt64(Glibc.time(nil)) }

  /// The same with its fraction.
  package static var timeOfDay: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Nanoseconds of CLOCK_MONOTONIC: since the host was started, without the time that it slept.
  package static var monotonicTime: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The host's name, as far as it has one: a pod's in Kubernetes.
  package static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether we were started without a standard input.
  static let isInputClosed = fcntl(STDIN_FILENO, F_GETFD) == -1

  /// Whether we were started without a standard output.
  package static let isOutputClosed = fcntl(STDOUT_FILENO, F_GETFD) == -1

  /// To be called first of all. Opens /dev/null, or where there is none the root directory, which cannot be written to
  /// either, in the place of standard input, output or error where one is closed: what is opened next would take its
  /// number, and a broker be sent our log. What we start finds it closed, as we did. And ignores SIGPIPE and SIGXFSZ:
  /// a broken pipe or a file that may not grow is a result, not an end.
  package static func prepare() {
    _ = (isInputClosed, isOutputClosed)
    for standard in STDIN_FILENO...STDERR_FILENO where fcntl(standard, F_GETFD) == -1 {
      if open("/dev/null", O_RDWR | O_CLOEXEC) < 0 { _ = open("/", O_RDONLY | O_CLOEXEC) }
    }
    _ = InheritedSignals.atStart
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Overwrites with `*`, where `/proc` and `ps` show our arguments, the parts of `text` at
  /// `ranges` (offsets in its UTF-8). True where an argument ends in `text`, as `--url=TEXT` does.
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

  /// The same in one argument, 0 being the program's name, whose last `count` bytes the ranges count in.
  package static func hide(_ ranges: [Range<Int>], ofLast count: Int, inArgument index: Int) {
    guard (0..<Int(clinux_argument_count())).contains(index) else { return }
    let argument = clinux_argument(Int32(index))
    let bytes = UnsafeMutableRawBufferPointer(start: argument, count: strlen(argument))
    for offset in ranges.joined() where (0..<count).contains(offset) && count <= bytes.count {
      bytes[bytes.count - count + offset] = UInt8(ascii: "*")
    }
  }

  /// Keeps other processes of the same user from reading our memory and environment in `/proc`.
  package static func forbidDumping() { clinux_set_not_dumpable() }

  /// Writes to standard error, in pieces that a pipe takes whole (PIPE_BUF), and each only where there is
  /// room for it: nobody who reads too slowly may keep us waiting. What cannot be written is lost.
  package static func writeToStandardError(_ text: String) {
    write(text, to: STDERR_FILENO) {
      var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
      return Glibc.poll(&entry, 1, 0) > 0
    }
  }

  /// Writes to standard output what somebody waits for.
  /// - Throws: `SystemError`
  package static func answer(_ bytes: [UInt8]) throws(SystemError) {
    // Then /dev/null stands in its place.
    guard !isOutputClosed else { throw SystemError(call: "write", code: EBADF) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = retrying { rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) } }
      if count < 0, errno == EAGAIN {
        // Whoever shares it with us has set O_NONBLOCK.
        _ = try poll([PollInterest(descriptor: STDOUT_FILENO, readable: false, writable: true)], until: nil)
        continue
      }
      guard count >= 0 else { throw SystemError("write") }
      rest.removeFirst(count)
    }
  }

  /// From now on these signals end the process with status 128 and their number, as a shell reports it: also where it
  /// is a container's first, to which the kernel hands no signal without a handler.
  package static func end(on signals: [Signal]) {
    for each in signals where !each.isIgnoredByCustom { signal(each.rawValue) { _exit(128 + $0) } }
  }

  private static func write(_ text: String, to descriptor: Int32, while hasRoom: () -> Bool) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty, hasRoom() {
      let count = retrying { rest.prefix(4096).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } }
      guard count > 0 else { return }
      rest.removeFirst(count)
    }
  }
}
