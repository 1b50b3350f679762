import CLinux
import Glibc

/// The child processes of this one: each leads a process group of its own, gets its input through a
/// pipe or from a file, and is killed with its group when this process ends, even by SIGKILL.
package final class ProcessGroups {
  /// A program with its arguments and environment, ready for exec.
  package struct Program: Sendable {
    package var path: String
    /// The program's own name first, as in C; bytes, for they need not be text.
    package var arguments: [[UInt8]]
    /// `NAME=value`, as bytes: an environment need not be text.
    package var environment: [[UInt8]]

    package init(path: String, arguments: [[UInt8]], environment: [[UInt8]]) {
      self.path = path
      self.arguments = arguments
      self.environment = environment
    }
  }

  private let inherited: InheritedSignals
  private var guardian: Guardian?
  /// Somebody killed it, and there was no room for another.
  private var isGuardianLost = false
  private var running: Set<Int32> = []

  package init(receiver: SignalReceiver) { inherited = receiver.inherited }

  package var isGuarded: Bool { guardian != nil }

  /// Has to be called before the first child is started.
  /// - Throws: `SystemError`
  package func startGuardian() throws { guardian = try patiently { try Guardian() } }

  /// Starts `program`, its input being what `input` delivers, its output ours, and its error what `errors` collects, else ours.
  /// Returns its process id, which is also its group's.
  /// - Throws: `SystemError`: the program could not be started, and nothing is left of it.
  package func start(_ program: Program, input: ChildInput, errors: ChildErrors? = nil) throws -> Int32 {
    if isGuardianLost { try replaceGuardian() }
    guard let guardian, let guardedGroup = guardian.place() else { throw SystemError(call: "fork", code: EAGAIN) }
    var failure: Int32 = 0
    let processID = withCStrings(program.arguments) { arguments in
      withCStrings(
        [Array("sh".utf8), Array(program.path.utf8)] + program.arguments.dropFirst()
      ) { shellArguments in
        withCStrings(program.environment) { environment in
          program.path.withCString { path in
            var request = clinux_spawn(
              path: path, argv: arguments, shell_argv: shellArguments, envp: environment,
              stdin_fd: input.readEndNumber, stderr_fd: errors?.writeEndNumber ?? -1, guarded_group: guardedGroup,
              signal_mask: inherited.mask, sigpipe_ignored: inherited.ignoresPipe,
              sigxfsz_ignored: inherited.ignoresFileSize)
            return clinux_spawn(&request, &failure)
          }
        }
      }
    }
    guard processID > 0 else { throw SystemError(call: "exec", code: failure) }
    running.insert(processID)
    guardian.guardLeader(processID, at: guardedGroup)
    input.closeReadEnd()
    errors?.closeWriteEnd()
    return processID
  }

  /// The input of a child that is still to be started. The guardian holds it open where it cannot
  /// all be written at once.
  /// - Throws: `SystemError`
  package func makeInput(_ body: [UInt8]) throws -> ChildInput {
    try ChildInput(body, guardian: guardian)
  }

  /// The input of a child that is still to be started, and the only one to read the file until it has ended.
  /// - Throws: `SystemError`
  package func makeInput(_ file: SpoolFile) throws -> ChildInput { try ChildInput(file) }

  /// The input of a child that has none.
  /// - Throws: `SystemError`
  package func makeEmptyInput() throws -> ChildInput { try ChildInput() }

  /// For the standard error of a child that is still to be started.
  /// - Throws: `SystemError`
  package func makeErrors() throws -> ChildErrors { try ChildErrors() }

  /// In bytes; the kernel takes 32 pages with the NUL (MAX_ARG_STRLEN).
  package static var longestArgument: Int { 32 * Int(sysconf(Int32(_SC_PAGESIZE))) - 1 }

  /// Sends the signal to a child that runs, and to all of its group; once to each. A child that has left its group gets
  /// it all the same: it is ours, and until it is reaped its process id is nobody else's.
  package func send(_ signal: Signal, to processID: Int32) {
    guard running.contains(processID) else { return }
    // One that leaves at this moment would miss it; so KILL, of which nobody can have two, goes both ways.
    if signal == .kill || getpgid(processID) != processID { signal.send(toProcess: processID) }
    signal.send(toGroup: processID)
  }

  /// Reaps every child that has ended, and kills what each left running in its group. Orphans that
  /// became ours, as they do of process 1, are reaped and not reported.
  package func reap() -> [(processID: Int32, status: ProcessStatus)] {
    var ended: [(Int32, ProcessStatus)] = []
    while let processID = nextEnded() {
      if running.remove(processID) != nil {
        Signal.kill.send(toGroup: processID)
        guardian?.forgetGroup(processID)
        ended.append((processID, status(reaping: processID)))
      } else {
        _ = status(reaping: processID)
        if processID == guardian?.processID { guardianEnded() }
      }
    }
    return ended
  }

  /// The children that have been stopped since the last call, and by which signal.
  package func stopped() -> [(processID: Int32, signal: Signal)] {
    running.compactMap { processID in
      var info = siginfo_t()
      guard retrying({ waitid(P_PID, id_t(processID), &info, WSTOPPED | WNOHANG) }) == 0,
        info._sifields._sigchld.si_pid == processID
      else { return nil }
      return (processID, Signal(rawValue: info._sifields._sigchld.si_status))
    }
  }

  /// Lets the guardian go, once the last child has ended.
  package func dismissGuardian() { guardian?.dismiss() }

  /// Waits until the guardian has gone: nothing of ours outlives us.
  package func stop() { guardian?.stop() }

  /// Looks without reaping: until it is reaped, its process id and its group's are nobody else's.
  private func nextEnded() -> Int32? {
    var info = siginfo_t()
    guard retrying({ waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) }) == 0 else { return nil }
    let processID = info._sifields._sigchld.si_pid
    return processID == 0 ? nil : processID
  }

  private func status(reaping processID: Int32) -> ProcessStatus {
    var status: Int32 = 0
    _ = retrying { waitpid(processID, &status, 0) }
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(Signal(rawValue: signal))
  }

  /// Somebody killed it, unless we let it go; an input that it held is then held by us alone.
  private func guardianEnded() {
    isGuardianLost = guardian?.isDismissed == false
    if isGuardianLost { try? replaceGuardian() }
  }

  private func replaceGuardian() throws {
    let successor = try Guardian()
    for group in running { successor.guardGroup(group) }
    guardian = successor
    isGuardianLost = false
  }
}

/// Calls `body` with a C array of C strings, a null pointer behind the last.
private func withCStrings<Result>(
  _ strings: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  let storage = UnsafeMutablePointer<CChar>.allocate(capacity: strings.reduce(1) { $0 + $1.count + 1 })
  defer { storage.deallocate() }
  var pointers: [UnsafeMutablePointer<CChar>?] = []
  pointers.reserveCapacity(strings.count + 1)
  var next = storage
  for string in strings {
    pointers.append(next)
    string.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: next, count: $0.count).copyMemory(from: $0) }
    next[string.count] = 0
    next += string.count + 1
  }
  pointers.append(nil)
  return pointers.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
}
