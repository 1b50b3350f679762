import CLinux
import Glibc

/// A small process that outlives ours by an instant. When this process ends, however it ends, the
/// guardian kills the process groups that it guards, and their leaders wherever these have gone; and until
/// it has, it keeps their input open, so that no worker takes our end for the end of its item.
///
/// It mostly sleeps meanwhile: which groups there are stands in memory that both share, where each child
/// enters itself before its program runs.
final class Guardian {
  let processID: Int32
  private let groups: UnsafeMutablePointer<Int32>
  private var socket: Descriptor?
  private var nextPipeNumber: Int32 = 1

  /// - Throws: `SystemError`
  init() throws {
    var guardian = clinux_guardian()
    let code = clinux_guardian_start(&guardian)
    guard code == 0, let groups = guardian.groups else { throw SystemError(call: "fork", code: code) }
    processID = guardian.pid
    self.groups = groups
    socket = Descriptor(owning: guardian.socket)
  }

  deinit { munmap(groups, CLINUX_MOST_GROUPS * MemoryLayout<Int32>.stride) }

  var isDismissed: Bool { socket == nil }

  /// Lets it go.
  func dismiss() { socket = nil }

  /// Waits until it has gone.
  func stop() {
    dismiss()
    var status: Int32 = 0
    _ = retrying { waitpid(processID, &status, 0) }
  }

  /// A free place for a child to enter its process group in; nil where there are more children than places.
  func place() -> UnsafeMutablePointer<Int32>? {
    (0..<CLINUX_MOST_GROUPS).first { groups[$0] == 0 }.map { groups + $0 }
  }

  func guardGroup(_ group: Int32) {
    guard let place = place() else { return }
    place.pointee = group
    guardLeader(group, at: place)
  }

  /// A group's leader, a child that has not been reaped, may go into another group: it is guarded itself then, where the
  /// kernel can tell a process from a later one of its number (pidfd_open(2)).
  func guardLeader(_ processID: Int32, at place: UnsafeMutablePointer<Int32>) {
    if let socket { _ = clinux_guardian_watch(socket.number, Int32(place - groups), processID) }
  }

  /// To be called while the group's leader has not been reaped: afterwards the number may be another group's.
  func forgetGroup(_ group: Int32) {
    for index in 0..<CLINUX_MOST_GROUPS where groups[index] == group {
      groups[index] = 0
      return
    }
  }

  /// Keeps the pipe open beyond our end; returns the number by which `releasePipe` knows it. A
  /// guardian that was killed cannot be told; the one who reaps it starts another.
  func holdPipe(_ writeEnd: Descriptor) -> Int32 {
    defer { nextPipeNumber += 1 }
    if let socket { _ = clinux_guardian_hold(socket.number, nextPipeNumber, writeEnd.number) }
    return nextPipeNumber
  }

  func releasePipe(_ number: Int32) {
    if let socket { _ = clinux_guardian_release(socket.number, number) }
  }
}
