import AMQP

/// A login that the broker may not take: what a client sends before it is known has to fit into one small frame. RabbitMQ
/// does not say so, but is silent, or closes the connection.
struct LargeLogin {
  /// In bytes.
  let size: Int
  let server: ServerVersion?

  /// The largest frame of a client that is not known yet, in bytes: RabbitMQ's `initial_frame_max`, as it is where nobody
  /// has set it (<https://www.rabbitmq.com/docs/configure#config-items>).
  private var most: Int { server.map { $0 >= ServerVersion(4, 1) } == true ? 8192 : 4096 }

  /// Why the broker may not have answered, to end a sentence with; empty where that is no reason.
  var hint: String {
    guard size > most else { return "" }
    return "; the login takes \(size) bytes, and RabbitMQ takes at most 4096, from 4.1 on 8192 (initial_frame_max): a "
      + "shorter password or token is needed"
  }
}
