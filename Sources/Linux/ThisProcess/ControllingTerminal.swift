import CLinux
import Glibc

/// The controlling terminal of this process. Only its foreground process group may read from it or change it. Other groups
/// are stopped if they try (SIGTTIN, SIGTTOU; see termios(3) and tcsetpgrp(3)).
package final class ControllingTerminal {
  private let descriptor: Descriptor
  /// The group that this process has put in the foreground in place of its own.
  private var childGroup: Int32?

  /// nil if this process has no controlling terminal.
  package init?() {
    let number = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard number >= 0 else { return nil }
    descriptor = Descriptor(owning: number)
  }

  /// Whether the process group of this process is in the foreground.
  package var isInForeground: Bool { tcgetpgrp(descriptor.number) == getpgrp() }

  /// Puts a child's process group in the foreground in place of the one of this process. It does nothing if this process
  /// is not in the foreground.
  package func setForeground(_ group: Int32) {
    guard isInForeground, tcsetpgrp(descriptor.number, group) == 0 else { return }
    childGroup = group
  }

  /// Whether `setForeground` has put the group in the foreground, and `restoreForeground` has not been called since.
  package func hasForeground(_ group: Int32) -> Bool { childGroup == group }

  /// Puts the process group of this process back in the foreground, unless a third group has taken the child's place.
  package func restoreForeground() {
    defer { childGroup = nil }
    guard let childGroup, tcgetpgrp(descriptor.number) == childGroup else { return }
    withSIGTTOUBlocked { _ = tcsetpgrp(descriptor.number, getpgrp()) }
  }

  /// A process that is not in the foreground would be stopped by SIGTTOU when it calls tcsetpgrp(3).
  private func withSIGTTOUBlocked(_ body: () -> Void) {
    var (stops, before) = (sigset_t(), sigset_t())
    sigemptyset(&stops)
    sigaddset(&stops, SIGTTOU)
    pthread_sigmask(SIG_BLOCK, &stops, &before)
    body()
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  /// Stops the process group of this process, as ^Z in a terminal does. Returns when the process is continued.
  package static func suspend() { Signal.suspend.send(toGroup: getpgrp()) }
}
