internal import CRabbitMQ

extension Method {
  /// Calls `body` with the method's id and with its arguments as a struct of librabbitmq. Returns nil for a method that a
  /// client never sends.
  func withRaw<Result>(
    in pool: UnsafeMutablePointer<amqp_pool_t>,
    _ body: @escaping (UInt32, UnsafeMutableRawPointer) throws(AMQPError) -> Result
  ) throws(AMQPError) -> Result? {
    let arguments = RawArguments(pool: pool, body: body)
    if let result = try arguments.passConnection(self) { return result }
    if let result = try arguments.passChannel(self) { return result }
    if let result = try arguments.passQueue(self) { return result }
    if let result = try arguments.passConsumer(self) { return result }
    return try arguments.passMessage(self)
  }
}

/// Passes the arguments of methods to `body`. Each function handles some methods, and returns nil for all others.
private struct RawArguments<Result> {
  let pool: UnsafeMutablePointer<amqp_pool_t>
  let body: (UInt32, UnsafeMutableRawPointer) throws(AMQPError) -> Result

  private func pass<Fields>(_ id: UInt32, _ fields: Fields) throws(AMQPError) -> Result {
    var fields = fields
    return try withUnsafeMutablePointer(to: &fields) { fields throws(AMQPError) in
      try body(id, UnsafeMutableRawPointer(fields))
    }
  }

  func passConnection(_ method: Method) throws(AMQPError) -> Result? {
    switch method {
    case .connectionStartOK(let clientProperties, let mechanism, let response):
      return try pass(
        AMQP_CONNECTION_START_OK_METHOD,
        amqp_connection_start_ok_t(
          client_properties: pool.copy(clientProperties), mechanism: pool.copy(mechanism),
          response: pool.copy(response), locale: pool.copy("en_US" as ByteString)))
    case .connectionTuneOK(let tuning):
      return try pass(
        AMQP_CONNECTION_TUNE_OK_METHOD,
        amqp_connection_tune_ok_t(
          channel_max: tuning.channelMax, frame_max: tuning.frameMax, heartbeat: tuning.heartbeat))
    case .connectionOpen(let vhost):
      var open = amqp_connection_open_t()
      open.virtual_host = pool.copy(vhost)
      return try pass(AMQP_CONNECTION_OPEN_METHOD, open)
    case .connectionClose(let reason):
      return try pass(
        AMQP_CONNECTION_CLOSE_METHOD,
        amqp_connection_close_t(
          reply_code: reason.code.rawValue, reply_text: pool.copy(ByteString(reason.text)),
          class_id: 0, method_id: 0))
    case .connectionCloseOK:
      return try pass(AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t())
    default:
      return nil
    }
  }

  func passChannel(_ method: Method) throws(AMQPError) -> Result? {
    switch method {
    case .channelOpen:
      return try pass(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t())
    case .channelClose(let reason):
      return try pass(
        AMQP_CHANNEL_CLOSE_METHOD,
        amqp_channel_close_t(
          reply_code: reason.code.rawValue, reply_text: pool.copy(ByteString(reason.text)),
          class_id: 0, method_id: 0))
    case .channelCloseOK:
      return try pass(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t())
    case .exchangeDeclarePassive(let exchange):
      var declare = amqp_exchange_declare_t()
      declare.exchange = pool.copy(exchange)
      declare.passive = 1
      return try pass(AMQP_EXCHANGE_DECLARE_METHOD, declare)
    case .exchangeDeclareTopic(let exchange):
      var declare = amqp_exchange_declare_t()
      declare.exchange = pool.copy(exchange)
      declare.type = pool.copy("topic" as ByteString)
      declare.durable = 1
      return try pass(AMQP_EXCHANGE_DECLARE_METHOD, declare)
    case .exchangeBind(let destination, let source, let routingKey):
      var bind = amqp_exchange_bind_t()
      bind.destination = pool.copy(destination)
      bind.source = pool.copy(source)
      bind.routing_key = pool.copy(routingKey)
      return try pass(AMQP_EXCHANGE_BIND_METHOD, bind)
    case .confirmSelect:
      return try pass(AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t())
    default:
      return nil
    }
  }

  func passQueue(_ method: Method) throws(AMQPError) -> Result? {
    switch method {
    case .queueDeclare(let declaration):
      var declare = amqp_queue_declare_t()
      declare.queue = pool.copy(declaration.name)
      declare.passive = declaration.isPassive ? 1 : 0
      declare.durable = declaration.isDurable ? 1 : 0
      declare.exclusive = declaration.isExclusive ? 1 : 0
      declare.auto_delete = declaration.isAutoDelete ? 1 : 0
      declare.arguments = pool.copy(declaration.arguments)
      return try pass(AMQP_QUEUE_DECLARE_METHOD, declare)
    case .queueBind(let queue, let exchange, let routingKey):
      var bind = amqp_queue_bind_t()
      bind.queue = pool.copy(queue)
      bind.exchange = pool.copy(exchange)
      bind.routing_key = pool.copy(routingKey)
      return try pass(AMQP_QUEUE_BIND_METHOD, bind)
    case .queueDelete(let queue, let ifUnused, let ifEmpty):
      var delete = amqp_queue_delete_t()
      delete.queue = pool.copy(queue)
      delete.if_unused = ifUnused ? 1 : 0
      delete.if_empty = ifEmpty ? 1 : 0
      return try pass(AMQP_QUEUE_DELETE_METHOD, delete)
    case .queuePurge(let queue):
      var purge = amqp_queue_purge_t()
      purge.queue = pool.copy(queue)
      return try pass(AMQP_QUEUE_PURGE_METHOD, purge)
    default:
      return nil
    }
  }

  func passConsumer(_ method: Method) throws(AMQPError) -> Result? {
    switch method {
    case .basicQoS(let prefetchCount):
      return try pass(
        AMQP_BASIC_QOS_METHOD,
        amqp_basic_qos_t(prefetch_size: 0, prefetch_count: prefetchCount, global: 0))
    case .basicConsume(let queue, let consumerTag, let arguments):
      var consume = amqp_basic_consume_t()
      consume.queue = pool.copy(queue)
      consume.consumer_tag = pool.copy(consumerTag)
      consume.arguments = pool.copy(arguments)
      return try pass(AMQP_BASIC_CONSUME_METHOD, consume)
    case .basicCancel(let consumerTag):
      return try pass(
        AMQP_BASIC_CANCEL_METHOD,
        amqp_basic_cancel_t(consumer_tag: pool.copy(consumerTag), nowait: 0))
    case .basicGet(let queue, let noAck):
      var get = amqp_basic_get_t()
      get.queue = pool.copy(queue)
      get.no_ack = noAck ? 1 : 0
      return try pass(AMQP_BASIC_GET_METHOD, get)
    default:
      return nil
    }
  }

  func passMessage(_ method: Method) throws(AMQPError) -> Result? {
    switch method {
    case .basicPublish(let exchange, let routingKey, let mandatory):
      var publish = amqp_basic_publish_t()
      publish.exchange = pool.copy(exchange)
      publish.routing_key = pool.copy(routingKey)
      publish.mandatory = mandatory ? 1 : 0
      return try pass(AMQP_BASIC_PUBLISH_METHOD, publish)
    case .basicAck(let deliveryTag, let multiple):
      return try pass(
        AMQP_BASIC_ACK_METHOD,
        amqp_basic_ack_t(delivery_tag: deliveryTag, multiple: multiple ? 1 : 0))
    case .basicNack(let deliveryTag, let multiple, let requeue):
      return try pass(
        AMQP_BASIC_NACK_METHOD,
        amqp_basic_nack_t(
          delivery_tag: deliveryTag, multiple: multiple ? 1 : 0, requeue: requeue ? 1 : 0))
    case .basicReject(let deliveryTag, let requeue):
      return try pass(
        AMQP_BASIC_REJECT_METHOD,
        amqp_basic_reject_t(delivery_tag: deliveryTag, requeue: requeue ? 1 : 0))
    default:
      return nil
    }
  }
}
