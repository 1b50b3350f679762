import Glibc

/// A new pipe, closed in any program that we start; writing to it never blocks.
/// - Throws: `SystemError`
func makePipe() throws -> (readEnd: Descriptor, writeEnd: Descriptor) {
  var ends: [Int32] = [-1, -1]
  guard Glibc.pipe(&ends) == 0 else { throw SystemError("pipe") }
  let pipe = (readEnd: Descriptor(owning: ends[0]), writeEnd: Descriptor(owning: ends[1]))
  for end in ends {
    guard fcntl(end, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl") }
  }
  try pipe.writeEnd.setNonBlocking()
  return pipe
}
