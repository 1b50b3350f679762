import CLinux

/// A new pipe, closed in any program that we start; writing to it never blocks.
/// - Throws: `SystemError`
func makePipe() throws -> (readEnd: Descriptor, writeEnd: Descriptor) {
  var ends: [Int32] = [-1, -1]
  let code = clinux_pipe(&ends)
  guard code == 0 else { throw SystemError(call: "pipe", code: code) }
  let pipe = (readEnd: Descriptor(owning: ends[0]), writeEnd: Descriptor(owning: ends[1]))
  try pipe.writeEnd.setNonBlocking()
  return pipe
}
