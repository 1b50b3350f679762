internal import CEvent
internal import Linux

/// The base of an event loop of libevent.
enum EventBase {
  /// - Throws: `SystemError`
  static func make() throws(SystemError) -> OpaquePointer {
    // libevent would end the process if it got none for its own use.
    _ = try SpareDescriptors(count: 10)
    // Otherwise libevent writes to the standard error.
    event_set_log_callback { _, _ in }
    guard let base = event_base_new() else { throw .shortage("epoll_create") }
    return base
  }
}
