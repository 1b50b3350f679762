/// A thread that ends with this object, which waits for that. Its function returns when the read end of the pipe `stop` becomes
/// readable.
package final class StoppableThread {
  private var stop: Descriptor?
  private let thread: Thread

  /// `stop` is the write end, which nobody else may keep.
  package init(stop: Descriptor, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    thread = try Thread(body)
    self.stop = stop
  }

  deinit {
    stop = nil
    thread.join()
  }
}
