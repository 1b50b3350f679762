import Glibc

/// A thread of this process that runs one function.
package struct Thread: Sendable {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let identity: pthread_t

  /// Starts `body` in a thread, which inherits the signal mask of this one.
  package init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
    var identity = pthread_t()
    let context = Unmanaged.passRetained(Body(body))
    let code = pthread_create(
      &identity, nil,
      { context in
        Unmanaged<Body>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw SystemError(call: "pthread_create", code: code)
    }
    self.identity = identity
  }

  /// Waits until the function has returned. A thread is joined or detached, once.
  package func join() { pthread_join(identity, nil) }

  /// Lets the thread end by itself.
  package func detach() { pthread_detach(identity) }
}
