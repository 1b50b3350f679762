import Glibc

/// The terminal that this process was started at. Of the process groups there, only the one in the foreground may read from it or
/// change it; others are stopped then (SIGTTIN, SIGTTOU; see termios(3), tcsetpgrp(3)).
package final class ControllingTerminal {
  private let descriptor: Descriptor
  private var borrower: Int32?

  /// nil for a process that has none.
  package init?() {
    let number = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard number >= 0 else { return nil }
    descriptor = Descriptor(owning: number)
  }

  /// Whether our group is in the foreground.
  package var isOurs: Bool { tcgetpgrp(descriptor.number) == getpgrp() }

  /// Puts the group in the foreground, in the place of ours. Nothing happens where ours is not there.
  package func lend(to group: Int32) {
    guard isOurs, tcsetpgrp(descriptor.number, group) == 0 else { return }
    borrower = group
  }

  package func isLent(to group: Int32) -> Bool { borrower == group }

  /// Puts our group back in the foreground, unless a third one is there by now.
  package func takeBack() {
    defer { borrower = nil }
    guard let borrower, tcgetpgrp(descriptor.number) == borrower else { return }
    // We would be stopped over it ourselves.
    withoutStops { _ = tcsetpgrp(descriptor.number, getpgrp()) }
  }

  private func withoutStops(_ body: () -> Void) {
    var (stops, before) = (sigset_t(), sigset_t())
    sigemptyset(&stops)
    sigaddset(&stops, SIGTTOU)
    pthread_sigmask(SIG_BLOCK, &stops, &before)
    body()
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  /// Stops our group, as the terminal does when it is told to suspend (^Z), and returns when somebody continues us.
  package static func suspend() { Signal.suspend.send(toGroup: getpgrp()) }
}
