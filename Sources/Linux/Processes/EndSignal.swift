/// One side of a pipe through which another thread is told to end: it learns that when this object is released.
package final class EndSignal: Sendable {
  private let writeEnd: Descriptor

  private init(_ writeEnd: Descriptor) { self.writeEnd = writeEnd }

  /// The signal, and the descriptor that becomes readable when it is released.
  package static func make() throws(SystemError) -> (signal: EndSignal, received: Descriptor) {
    let pipe = try makePipe()
    return (EndSignal(pipe.writeEnd), pipe.readEnd)
  }
}
