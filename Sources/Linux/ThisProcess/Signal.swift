import CLinux
import Glibc

/// A POSIX signal.
package struct Signal: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let hangup = Signal(rawValue: SIGHUP)
  package static let interrupt = Signal(rawValue: SIGINT)
  package static let quit = Signal(rawValue: SIGQUIT)
  package static let kill = Signal(rawValue: SIGKILL)
  package static let user1 = Signal(rawValue: SIGUSR1)
  package static let user2 = Signal(rawValue: SIGUSR2)
  package static let terminate = Signal(rawValue: SIGTERM)
  package static let child = Signal(rawValue: SIGCHLD)
  package static let resume = Signal(rawValue: SIGCONT)
  package static let suspend = Signal(rawValue: SIGTSTP)
  package static let terminalInput = Signal(rawValue: SIGTTIN)
  package static let terminalOutput = Signal(rawValue: SIGTTOU)
  package static let windowChange = Signal(rawValue: SIGWINCH)

  /// The signals that ask a program to end.
  package static let endings: [Signal] = [.terminate, .interrupt, .hangup]

  /// The signals that a program passes on to the command that it runs.
  package static let passedOn: [Signal] = endings + [.quit, .user1, .user2, .windowChange, .resume]

  /// The signal's name without `SIG`, as `kill -l` prints it.
  package var description: String {
    switch self {
    case .hangup: "HUP"
    case .interrupt: "INT"
    case .quit: "QUIT"
    case .kill: "KILL"
    case .user1: "USR1"
    case .user2: "USR2"
    case .terminate: "TERM"
    case .child: "CHLD"
    case .resume: "CONT"
    case .windowChange: "WINCH"
    case .suspend: "TSTP"
    case .terminalInput: "TTIN"
    case .terminalOutput: "TTOU"
    case Signal(rawValue: SIGSTOP): "STOP"
    case Signal(rawValue: SIGSEGV): "SEGV"
    case Signal(rawValue: SIGABRT): "ABRT"
    case Signal(rawValue: SIGPIPE): "PIPE"
    default: "\(rawValue)"
    }
  }

  /// Whether the signal must stay ignored because the parent process ignored it. `nohup` does that for HUP, and a shell
  /// does it for INT and QUIT when it starts a command in the background.
  var wasIgnoredAtStart: Bool {
    [.hangup, .interrupt, .quit].contains(self) && InheritedSignals.isIgnored(rawValue)
  }

  /// Sends the signal to a process. Nothing happens if the process does not exist.
  func send(toProcess process: Int32) {
    Glibc.kill(process, rawValue)
  }

  /// Sends the signal to every process of a group. Nothing happens if the group does not exist.
  func send(toGroup group: Int32) {
    Glibc.kill(-group, rawValue)
  }
}

/// Receives the signals of this process through a descriptor instead of signal handlers (signalfd(2)).
package final class SignalReceiver {
  private let descriptor: Descriptor
  let inherited: InheritedSignals

  /// Blocks `signals` and SIGCHLD, except those that `nohup` or a shell made this process ignore. Must be called before
  /// any thread is started.
  package init(_ signals: [Signal]) throws(SystemError) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals + [.child] where !signal.wasIgnoredAtStart { sigaddset(&set, signal.rawValue) }
    guard sigprocmask(SIG_BLOCK, &set, nil) == 0 else { throw SystemError("sigprocmask") }
    let number = signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
    guard number >= 0 else { throw SystemError("signalfd") }
    descriptor = Descriptor(owning: number)
    inherited = InheritedSignals.atStart
    // If the parent process ignored SIGCHLD, the ends of children would not be reported.
    Glibc.signal(SIGCHLD, SIG_DFL)
  }

  package var interest: PollInterest {
    PollInterest(descriptor: descriptor.number, readable: true, writable: false)
  }

  /// The signals that have arrived since the last call.
  package func receive() -> [Signal] {
    var signals: [Signal] = []
    var infos = [signalfd_siginfo](repeating: signalfd_siginfo(), count: 8)
    let size = MemoryLayout<signalfd_siginfo>.stride
    var count = infos.count
    while count == infos.count {
      count = max(0, retryingOnInterrupt { read(descriptor.number, &infos, infos.count * size) } / size)
      signals += infos[..<count].map { Signal(rawValue: Int32($0.ssi_signo)) }
    }
    return signals
  }
}

/// The signal mask and the ignored signals that this process had at its start, and that its children get.
struct InheritedSignals {
  var mask = sigset_t()
  var ignoresPipe = false
  var ignoresFileSize = false

  /// Read by `ThisProcess.prepare` before anything is changed.
  static let atStart = InheritedSignals.current()

  private static func current() -> InheritedSignals {
    var inherited = InheritedSignals()
    sigprocmask(SIG_BLOCK, nil, &inherited.mask)
    inherited.ignoresPipe = isIgnored(SIGPIPE)
    inherited.ignoresFileSize = isIgnored(SIGXFSZ)
    return inherited
  }

  static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return action.__sigaction_handler.sa_handler.map { unsafeBitCast($0, to: Int.self) } == 1
  }
}
