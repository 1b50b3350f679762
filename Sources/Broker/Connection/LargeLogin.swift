import AMQP

/// A login that may be too large for the broker. Before the login is complete, a broker accepts only small frames.
/// RabbitMQ does not report a larger one: it stays silent, or closes the connection.
struct LargeLogin {
  /// The size of the login in bytes.
  let size: Int
  let server: ServerVersion?

  /// The maximum size of a frame before the login in bytes. This is RabbitMQ's default for `initial_frame_max`
  /// (<https://www.rabbitmq.com/docs/configure#config-items>).
  private var maxSize: Int { server.map { $0 >= ServerVersion(4, 1) } == true ? 8192 : 4096 }

  /// An explanation to append to a message about a broker that did not answer. It is empty if the login is small
  /// enough.
  var hint: String {
    guard size > maxSize else { return "" }
    return "; the login takes \(size) bytes, and RabbitMQ takes at most 4096, from 4.1 on 8192 (initial_frame_max): a "
      + "shorter password or token is needed"
  }
}
