import CLinux
import Glibc

/// A small helper process that briefly outlives this one. When this process ends in any way, the guardian kills the process
/// groups that it guards, and their leaders even if these have left their groups. Until it has killed them it keeps their
/// input open, so that no worker mistakes the end of this process for the end of its item. It can also be given a deadline,
/// at which it kills the groups although this process has not ended, and clients, whose groups it kills when they leave.
///
/// The process groups are in a table in shared memory. Each child enters itself there before its program runs, so the
/// guardian sleeps most of the time.
final class Guardian {
  let processID: Int32
  private var shared: clinux_guardian
  private let groups: UnsafeMutablePointer<Int32>
  /// The clients of the groups, with the same indices.
  private let clients: UnsafeMutablePointer<Int32>
  /// The time after which no child may run. A child that is about to begin reads it.
  let deadline: UnsafeMutablePointer<Int64>
  private var socket: Descriptor?
  private var nextPipeNumber: Int32 = 1

  /// The guardian removes `file` when it kills the groups.
  init(removing file: String?) throws(SystemError) {
    var guardian = clinux_guardian()
    let code = file.map { clinux_guardian_start(&guardian, $0) } ?? clinux_guardian_start(&guardian, nil)
    guard code == 0, let groups = guardian.groups, let clients = guardian.clients, let deadline = guardian.deadline
    else {
      throw SystemError(call: "fork", code: code)
    }
    processID = guardian.pid
    shared = guardian
    (self.groups, self.clients, self.deadline) = (groups, clients, deadline)
    socket = Descriptor(owning: guardian.socket)
  }

  deinit { clinux_guardian_forget(&shared) }

  /// Makes the guardian kill the groups at this time, even if this process is stopped by then. nil takes the deadline back.
  func setDeadline(_ instant: ContinuousClock.Instant?) {
    guard let socket else { return }
    var time: Int64 = 0
    if let instant {
      // The clock is read first, so that what passes between the two readings makes the deadline earlier.
      let now = clinux_boottime()
      let left = ContinuousClock.now.duration(to: instant)
      time = max(1, now + Int64(left / .nanoseconds(1)))
    }
    clinux_guardian_set_deadline(socket.number, deadline, time)
  }

  var isDismissed: Bool { socket == nil }

  /// Tells the guardian to end, which it does after killing the groups that it still guards.
  func dismiss() { socket = nil }

  /// Tells the guardian to end, and waits until it has.
  func stop() {
    dismiss()
    var status: Int32 = 0
    _ = retryingOnInterrupt { waitpid(processID, &status, 0) }
  }

  /// A free entry of the table, for a child of this client to write its process group in; nil if the table is full. The client 0
  /// stands for none.
  func freeEntry(for client: Int) -> UnsafeMutablePointer<Int32>? {
    guard let index = (0..<CLINUX_MAX_GROUPS).first(where: { groups[$0] == 0 }) else { return nil }
    clients[index] = Int32(truncatingIfNeeded: client)
    return groups + index
  }

  /// Makes the guardian kill the groups of this client when the other end of the socket is closed, even if this process is stopped by
  /// then. The guardian keeps the socket open until the client is forgotten.
  func watch(_ client: Int, _ socket: PacketSocket) {
    guard let own = self.socket else { return }
    _ = clinux_guardian_watch_client(own.number, Int32(truncatingIfNeeded: client), socket.descriptor.number)
  }

  func forgetClient(_ client: Int) {
    if let socket { _ = clinux_guardian_forget_client(socket.number, Int32(truncatingIfNeeded: client)) }
  }

  func guardGroup(_ group: Int32, of client: Int) {
    guard let entry = freeEntry(for: client) else { return }
    entry.pointee = group
    guardLeader(group, at: entry)
  }

  /// Guards the leader of a group itself, because it may move to another group. The leader must be a child that has not
  /// been reaped. This has no effect if the kernel lacks pidfd_open(2).
  func guardLeader(_ processID: Int32, at entry: UnsafeMutablePointer<Int32>) {
    if let socket { _ = clinux_guardian_watch(socket.number, Int32(entry - groups), processID) }
  }

  /// Must be called before the group's leader is reaped. Afterwards the id may belong to another group.
  func forgetGroup(_ group: Int32) {
    for index in 0..<CLINUX_MAX_GROUPS where groups[index] == group {
      groups[index] = 0
      return
    }
  }

  /// Makes the guardian keep the pipe open even after this process has ended. Returns a number for `releasePipe`. This has
  /// no effect if the guardian was killed; it is replaced when it is reaped.
  func holdPipe(_ writeEnd: Descriptor) -> Int32 {
    defer { nextPipeNumber += 1 }
    if let socket { _ = clinux_guardian_hold(socket.number, nextPipeNumber, writeEnd.number) }
    return nextPipeNumber
  }

  func releasePipe(_ number: Int32) {
    if let socket { _ = clinux_guardian_release(socket.number, number) }
  }
}
