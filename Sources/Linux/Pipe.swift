import CLinux
import Glibc

/// The end of a pipe that this process uses.
enum PipeEnd {
  case reading
  case writing
}

/// Makes a pipe that is closed on exec. Only the end that this process uses is non-blocking, because programs expect their
/// standard streams to block.
func makePipe(ours: PipeEnd = .writing) throws(SystemError) -> (readEnd: Descriptor, writeEnd: Descriptor) {
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

/// Whether there is a pipe at this path, which can be read only once.
package func isPipe(path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
}
