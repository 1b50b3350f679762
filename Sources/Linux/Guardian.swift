import CLinux
import Glibc

/// A small process that outlives ours by an instant. When this process ends, however it ends, the guardian kills the process groups that
/// it guards; and until it has, it keeps their input open, so that no worker takes our end for the end of its item.
final class Guardian {
  let processID: Int32
  private var socket: Descriptor?
  private var nextPipeNumber: Int32 = 1

  /// - Throws: `SystemError`
  init() throws {
    var socket: Int32 = -1
    processID = clinux_guardian_start(&socket)
    guard processID >= 0 else { throw SystemError("fork") }
    self.socket = Descriptor(owning: socket)
  }

  /// Lets it go, and waits until it has gone.
  func stop() {
    socket = nil
    var status: Int32 = 0
    _ = retrying { waitpid(processID, &status, 0) }
  }

  /// For the child that is about to run; see `clinux_spawn`.
  var descriptorNumber: Int32 { socket?.number ?? -1 }

  func guardGroup(_ group: Int32) { tell(CLINUX_GUARD_GROUP, group) }

  /// To be called while the group's leader has not been reaped: afterwards the number may be another group's.
  func forgetGroup(_ group: Int32) { tell(CLINUX_FORGET_GROUP, group) }

  /// Keeps the pipe open beyond our end; returns the number by which `releasePipe` knows it.
  func holdPipe(_ writeEnd: Descriptor) -> Int32 {
    defer { nextPipeNumber += 1 }
    tell(CLINUX_HOLD_PIPE, nextPipeNumber, descriptor: writeEnd.number)
    return nextPipeNumber
  }

  func releasePipe(_ number: Int32) { tell(CLINUX_RELEASE_PIPE, number) }

  /// A guardian that was killed cannot be told; the one who reaps it starts another.
  private func tell(_ verb: clinux_guardian_verb, _ value: Int32, descriptor: Int32 = -1) {
    _ = clinux_guardian_tell(descriptorNumber, verb, value, descriptor)
  }
}
