import Glibc

/// What a child reads from its standard input: bytes on their way through a pipe, a file, or nothing.
package final class ChildInput {
  private var readEnd: Descriptor?
  private var writeEnd: Descriptor?
  private var unwritten: ArraySlice<UInt8> = []
  private let guardian: Guardian?
  private var heldNumber: Int32?

  /// Fills a pipe. What does not fit is written as the child reads; until then the guardian holds
  /// the pipe open too, so that our own end, were it SIGKILL, is not the end of the child's input.
  /// - Throws: `SystemError`
  init(_ body: [UInt8], guardian: Guardian?) throws {
    unwritten = body[...]
    self.guardian = guardian
    (readEnd, writeEnd) = try makePipe()
    try write()
    heldNumber = writeEnd.flatMap { guardian?.holdPipe($0) }
  }

  /// The file itself becomes the child's input: nothing to write, and nothing that could end too early.
  /// - Throws: `SystemError`
  init(_ file: SpoolFile) throws {
    guardian = nil
    readEnd = try file.rewound()
  }

  /// Nothing: /dev/null, or where there is none a pipe at its end.
  /// - Throws: `SystemError`
  init() throws {
    guardian = nil
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    readEnd = try null < 0 ? makePipe().readEnd : Descriptor(owning: null)
  }

  /// What becomes the child's standard input.
  var readEndNumber: Int32 { readEnd?.number ?? -1 }

  /// The child has the end now; only without ours does a write show that nobody reads any more.
  func closeReadEnd() { readEnd = nil }

  /// What to wait for, while there is something left to write.
  package var interest: PollInterest? {
    writeEnd.map { PollInterest(descriptor: $0.number, readable: false, writable: true) }
  }

  /// Writes what the pipe takes now. Once all is written, or nobody is left to read it, the pipe is closed.
  /// - Throws: `SystemError`
  package func write() throws {
    while let end = writeEnd {
      guard !unwritten.isEmpty else { return finish() }
      switch try end.write(unwritten) {
      case .bytes(let count): unwritten.removeFirst(count)
      case .ended: return finish()
      case .wouldBlock: return
      }
    }
  }

  /// Ends the input of a child that is dead, or gave up reading.
  package func finish() {
    writeEnd = nil
    unwritten = []
    if let heldNumber { guardian?.releasePipe(heldNumber) }
    heldNumber = nil
  }
}
