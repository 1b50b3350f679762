import Glibc

/// The standard input of a child: bytes through a pipe, a file, or nothing.
package final class ChildInput {
  private var readEnd: Descriptor?
  private var writeEnd: Descriptor?
  private var unwritten: ArraySlice<UInt8> = []
  private let guardian: Guardian?
  private var heldNumber: Int32?

  /// Fills a pipe. Bytes that do not fit are written as the child reads. Until then the guardian keeps the pipe open too.
  /// Otherwise, if this process were killed, the child would take a part of the body for the whole.
  init(_ body: [UInt8], guardian: Guardian?) throws(SystemError) {
    unwritten = body[...]
    self.guardian = guardian
    (readEnd, writeEnd) = try makePipe()
    try write()
    heldNumber = writeEnd.flatMap { guardian?.holdPipe($0) }
  }

  /// Makes the file itself the child's input, so nothing has to be written and the input cannot end too early.
  init(_ file: SpoolFile) throws(SystemError) {
    guardian = nil
    readEnd = try file.rewoundReader()
  }

  /// Makes a file that another program has written the child's input.
  init(_ file: OutputFile) throws(SystemError) {
    guardian = nil
    readEnd = try file.rewoundReader()
  }

  /// Makes a socket that waits for connections the child's input, so that the child can accept them.
  init(_ listener: TCPListener) throws(SystemError) {
    guardian = nil
    readEnd = Descriptor(owning: try listener.duplicate())
  }

  /// Makes a file that this process has written the child's input.
  init(_ file: TemporaryFile) throws(SystemError) {
    guardian = nil
    readEnd = try file.rewoundReader()
  }

  /// Makes an empty input: /dev/null, or a closed pipe if there is no /dev/null.
  init() throws(SystemError) {
    guardian = nil
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    readEnd = try null < 0 ? makePipe().readEnd : Descriptor(owning: null)
  }

  /// The descriptor for the child's standard input.
  var readEndNumber: Int32 { readEnd?.number ?? -1 }

  /// To be called once the child has its own copy. A write fails with EPIPE only if no process has the read end open.
  func closeReadEnd() { readEnd = nil }

  /// What to wait for before the next call of `write`; nil if everything is written.
  package var interest: PollInterest? {
    writeEnd.map { PollInterest(descriptor: $0.number, readable: false, writable: true) }
  }

  /// Writes as much as the pipe accepts now. Closes the pipe if everything is written or no process reads it any more.
  package func write() throws(SystemError) {
    while let end = writeEnd {
      guard !unwritten.isEmpty else { return finish() }
      switch try end.write(unwritten) {
      case .bytes(let count): unwritten.removeFirst(count)
      case .ended: return finish()
      case .wouldBlock: return
      }
    }
  }

  /// Closes the pipe and drops the bytes that are not written. To be called once the child has ended or stopped reading.
  package func finish() {
    writeEnd = nil
    unwritten = []
    if let heldNumber { guardian?.releasePipe(heldNumber) }
    heldNumber = nil
  }
}
