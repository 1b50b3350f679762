import CLinux
import Glibc

/// The child processes of this process. Each child leads its own process group, and reads its input from a pipe or a file.
/// It is killed with its group when this process ends, even by SIGKILL.
package final class ProcessGroups {
  /// A program with its arguments and environment, ready for exec.
  package struct Program: Sendable {
    package var path: String
    /// The arguments, beginning with the program's name, as in C. They are bytes, since they may not be valid text.
    package var arguments: [[UInt8]]
    /// The environment, as `NAME=value`. The entries are bytes, since they may not be valid text.
    package var environment: [[UInt8]]

    package init(path: String, arguments: [[UInt8]], environment: [[UInt8]]) {
      self.path = path
      self.arguments = arguments
      self.environment = environment
    }
  }

  private let inherited: InheritedSignals
  private var guardian: Guardian?
  /// Whether the guardian was killed and could not be replaced, for lack of resources.
  private var isGuardianLost = false
  /// The children that run, and the client of each.
  private var running: [Int32: Int] = [:]
  private var clients: [Int: PacketSocket] = [:]
  /// The file that goes with the children when these are killed.
  private let companionFile: String?
  private var deadline: ContinuousClock.Instant?

  /// If this process is killed, and at the deadline, the guardian removes `companionFile`.
  package init(receiver: SignalReceiver, companionFile: String? = nil) {
    inherited = receiver.inherited
    self.companionFile = companionFile
  }

  package var isGuarded: Bool { guardian != nil }

  /// Must be called before the first child is started.
  package func startGuardian() throws(SystemError) {
    guardian = try retryingOnShortage { () throws(SystemError) in try Guardian(removing: companionFile) }
  }

  /// Sets the time at which the guardian kills all children, even if this process is stopped by then. nil takes it back.
  /// After the deadline no child starts.
  package func setDeadline(_ deadline: ContinuousClock.Instant?) {
    self.deadline = deadline
    guardian?.setDeadline(deadline)
  }

  /// From now on the children that are started for `client`, a number above 0, are killed when the other end of the socket is closed,
  /// even if this process is stopped by then. At most `maxClients` are watched.
  package func watch(_ client: Int, _ socket: PacketSocket) {
    clients[client] = socket
    guardian?.watch(client, socket)
  }

  /// The socket of the client is no longer watched. To be called before it is released.
  package func forgetClient(_ client: Int) {
    clients[client] = nil
    guardian?.forgetClient(client)
  }

  package static var maxClients: Int { Int(CLINUX_MAX_CLIENTS) }

  /// The standard streams of a child. A stream that is nil is the one of this process.
  package struct Streams {
    package var input: Descriptor
    package var output: Descriptor?
    package var error: Descriptor?

    package init(input: Descriptor, output: Descriptor? = nil, error: Descriptor? = nil) {
      (self.input, self.output, self.error) = (input, output, error)
    }
  }

  /// Starts `program`, and returns its process id, which is also the id of its process group. Its standard input comes
  /// from `input`. Its standard output goes to `output`, and its standard error to `error`, or to those of this process if
  /// these are nil. If this throws, the program does not run.
  package func start(
    _ program: Program, input: ChildInput, output: (any ChildOutput)? = nil, error: (any ChildOutput)? = nil
  ) throws(SystemError) -> Int32 {
    let processID = try start(
      program, input: input.readEndNumber, output: output?.writer?.number ?? -1,
      error: error?.writer?.number ?? -1)
    input.closeReadEnd()
    output?.closeWriter()
    error?.closeWriter()
    return processID
  }

  /// Starts `program` with these streams, for a client that is watched. If this throws, the program does not run.
  package func start(_ program: Program, _ streams: Streams, for client: Int) throws(SystemError) -> Int32 {
    try start(
      program, input: streams.input.number, output: streams.output?.number ?? -1, error: streams.error?.number ?? -1,
      client: client)
  }

  private func start(
    _ program: Program, input: Int32, output: Int32, error: Int32, client: Int = 0
  ) throws(SystemError) -> Int32 {
    if isGuardianLost { try replaceGuardian() }
    guard let guardian, let guardedGroup = guardian.freeEntry(for: client) else {
      throw SystemError(call: "fork", code: EAGAIN)
    }
    var failure: Int32 = 0
    let processID = withCStrings(program.arguments) { arguments in
      withCStrings(
        [Array("sh".utf8), Array(program.path.utf8)] + program.arguments.dropFirst()
      ) { shellArguments in
        withCStrings(program.environment) { environment in
          program.path.withCString { path in
            var request = clinux_spawn(
              path: path, argv: arguments, shell_argv: shellArguments, envp: environment,
              stdin_fd: input, stdout_fd: output, stderr_fd: error, guarded_group: guardedGroup,
              client_fd: clients[client]?.descriptor.number ?? -1, deadline: guardian.deadline,
              signal_mask: inherited.mask, sigpipe_ignored: inherited.ignoresPipe,
              sigxfsz_ignored: inherited.ignoresFileSize)
            return clinux_spawn(&request, &failure)
          }
        }
      }
    }
    guard processID > 0 else { throw SystemError(call: "exec", code: failure) }
    running[processID] = client
    guardian.guardLeader(processID, at: guardedGroup)
    return processID
  }

  /// Makes a child's input of bytes. If they do not fit a pipe at once, the guardian keeps the pipe open until they are
  /// written.
  package func makeInput(_ body: [UInt8]) throws(SystemError) -> ChildInput {
    try ChildInput(body, guardian: guardian)
  }

  /// Makes a child's input of a file. No other child may read the file until this one has ended.
  package func makeInput(_ file: SpoolFile) throws(SystemError) -> ChildInput { try ChildInput(file) }

  /// Makes a child's input of what another program has written.
  package func makeInput(_ file: OutputFile) throws(SystemError) -> ChildInput { try ChildInput(file) }

  /// Makes a child's input of a socket that waits for connections, which the child accepts.
  package func makeInput(_ listener: TCPListener) throws(SystemError) -> ChildInput { try ChildInput(listener) }

  /// Makes a child's input of what was appended to the file.
  package func makeInput(_ file: TemporaryFile) throws(SystemError) -> ChildInput { try ChildInput(file) }

  /// Makes the input of a child that has nothing to read.
  package func makeEmptyInput() throws(SystemError) -> ChildInput { try ChildInput() }

  /// The maximum length of an argument in bytes. The kernel allows 32 pages, including the final NUL (MAX_ARG_STRLEN).
  package static var maxArgumentLength: Int { 32 * Int(sysconf(Int32(_SC_PAGESIZE))) - 1 }

  /// Sends the signal once to a running child and once to every other process of its group. A child that has left its
  /// group gets it too: until the child is reaped, no other process can have its process id.
  package func send(_ signal: Signal, to processID: Int32) {
    guard running[processID] != nil else { return }
    // A child that leaves its group at this moment would miss the signal. KILL always goes to both, since receiving it
    // twice makes no difference.
    if signal == .kill || getpgid(processID) != processID { signal.send(toProcess: processID) }
    signal.send(toGroup: processID)
  }

  /// Reaps every child that has ended, and kills what it left running in its group. Orphans are reaped too, but not
  /// returned. They become children of this process if it is process 1.
  package func reap() -> [(processID: Int32, status: ProcessStatus)] {
    var ended: [(Int32, ProcessStatus)] = []
    while let processID = nextEnded() {
      if running.removeValue(forKey: processID) != nil {
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

  /// The children that have been stopped since the last call, and the signals that stopped them.
  package func stopped() -> [(processID: Int32, signal: Signal)] {
    running.keys.compactMap { processID in
      var info = siginfo_t()
      guard retryingOnInterrupt({ waitid(P_PID, id_t(processID), &info, WSTOPPED | WNOHANG) }) == 0,
        info._sifields._sigchld.si_pid == processID
      else { return nil }
      return (processID, Signal(rawValue: info._sifields._sigchld.si_status))
    }
  }

  /// Tells the guardian to end. To be called once the last child has ended.
  package func dismissGuardian() { guardian?.dismiss() }

  /// Tells the guardian to end and waits until it has, so that it does not outlive this process.
  package func stop() { guardian?.stop() }

  /// A child that has ended. It is not reaped yet, so that its process id and group id are not used again.
  private func nextEnded() -> Int32? {
    var info = siginfo_t()
    guard retryingOnInterrupt({ waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) }) == 0 else { return nil }
    let processID = info._sifields._sigchld.si_pid
    return processID == 0 ? nil : processID
  }

  private func status(reaping processID: Int32) -> ProcessStatus {
    var status: Int32 = 0
    _ = retryingOnInterrupt { waitpid(processID, &status, 0) }
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(Signal(rawValue: signal))
  }

  /// Replaces a guardian that was killed. The new one does not hold the pipes of the old one, so only this process keeps
  /// those open.
  private func guardianEnded() {
    isGuardianLost = guardian?.isDismissed == false
    if isGuardianLost { try? replaceGuardian() }
  }

  private func replaceGuardian() throws(SystemError) {
    let successor = try Guardian(removing: companionFile)
    successor.setDeadline(deadline)
    for (group, client) in running { successor.guardGroup(group, of: client) }
    // The groups come first, since the successor forgets a client that has left.
    for (client, socket) in clients { successor.watch(client, socket) }
    guardian = successor
    isGuardianLost = false
  }
}

/// Calls `body` with a C array of C strings that ends with a null pointer.
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
