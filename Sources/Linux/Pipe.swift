import CLinux

/// The end of a pipe that stays with us, on which nothing ever blocks.
enum PipeEnd {
  case reading
  case writing
}

/// A new pipe, closed in any program that we start. Only our end does not block: what we start expects its own to.
/// - Throws: `SystemError`
func makePipe(ours: PipeEnd = .writing) throws -> (readEnd: Descriptor, writeEnd: Descriptor) {
  var ends: [Int32] = [-1, -1]
  let code = clinux_pipe(&ends)
  guard code == 0 else { throw SystemError(call: "pipe", code: code) }
  let pipe = (readEnd: Descriptor(owning: ends[0]), writeEnd: Descriptor(owning: ends[1]))
  switch ours {
  case .reading: try pipe.readEnd.setNonBlocking()
  case .writing: try pipe.writeEnd.setNonBlocking()
  }
  return pipe
}
