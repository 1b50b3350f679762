internal import CRabbitMQ

extension Method {
  /// Whether only clients send the method, and it has a table. Such a method is not decoded, because nothing has checked
  /// how deep its table nests.
  static func isClientMethodWithTable(_ id: UInt32) -> Bool {
    switch id {
    case AMQP_CONNECTION_START_OK_METHOD, AMQP_EXCHANGE_DECLARE_METHOD, AMQP_EXCHANGE_BIND_METHOD,
      AMQP_EXCHANGE_UNBIND_METHOD, AMQP_QUEUE_DECLARE_METHOD, AMQP_QUEUE_BIND_METHOD, AMQP_QUEUE_UNBIND_METHOD,
      AMQP_BASIC_CONSUME_METHOD:
      true
    default: false
    }
  }

  /// Precondition: librabbitmq decoded `raw` as the arguments of the method `id`.
  init(id: UInt32, decoded raw: UnsafeMutableRawPointer) {
    func fields<Fields>(_ type: Fields.Type) -> Fields {
      raw.assumingMemoryBound(to: type).pointee
    }
    switch id {
    case AMQP_CONNECTION_START_METHOD:
      let start = fields(amqp_connection_start_t.self)
      self = .connectionStart(
        mechanisms: start.mechanisms.byteString,
        serverProperties: FieldTable(start.server_properties))
    case AMQP_CONNECTION_TUNE_METHOD:
      let tune = fields(amqp_connection_tune_t.self)
      self = .connectionTune(
        Tuning(
          channelMax: tune.channel_max, frameMax: tune.frame_max, heartbeat: tune.heartbeat))
    case AMQP_CONNECTION_OPEN_OK_METHOD:
      self = .connectionOpenOK
    case AMQP_CONNECTION_CLOSE_METHOD:
      let close = fields(amqp_connection_close_t.self)
      self = .connectionClose(
        CloseReason(code: ReplyCode(rawValue: close.reply_code), text: close.reply_text.text))
    case AMQP_CONNECTION_CLOSE_OK_METHOD:
      self = .connectionCloseOK
    case AMQP_CONNECTION_BLOCKED_METHOD:
      self = .connectionBlocked(reason: fields(amqp_connection_blocked_t.self).reason.text)
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      self = .connectionUnblocked
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      self = .channelOpenOK
    case AMQP_CHANNEL_CLOSE_METHOD:
      let close = fields(amqp_channel_close_t.self)
      self = .channelClose(
        CloseReason(code: ReplyCode(rawValue: close.reply_code), text: close.reply_text.text))
    case AMQP_CHANNEL_CLOSE_OK_METHOD:
      self = .channelCloseOK
    case AMQP_QUEUE_DECLARE_OK_METHOD:
      let status = fields(amqp_queue_declare_ok_t.self)
      self = .queueDeclareOK(
        QueueStatus(
          name: status.queue.byteString, messageCount: status.message_count,
          consumerCount: status.consumer_count))
    case AMQP_QUEUE_BIND_OK_METHOD:
      self = .queueBindOK
    case AMQP_QUEUE_DELETE_OK_METHOD:
      self = .queueDeleteOK(messageCount: fields(amqp_queue_delete_ok_t.self).message_count)
    case AMQP_QUEUE_PURGE_OK_METHOD:
      self = .queuePurgeOK(messageCount: fields(amqp_queue_purge_ok_t.self).message_count)
    case AMQP_BASIC_QOS_OK_METHOD:
      self = .basicQoSOK
    case AMQP_BASIC_CONSUME_OK_METHOD:
      self = .basicConsumeOK(
        consumerTag: fields(amqp_basic_consume_ok_t.self).consumer_tag.byteString)
    case AMQP_BASIC_CANCEL_METHOD:
      self = .basicCancel(consumerTag: fields(amqp_basic_cancel_t.self).consumer_tag.byteString)
    case AMQP_BASIC_CANCEL_OK_METHOD:
      self = .basicCancelOK(
        consumerTag: fields(amqp_basic_cancel_ok_t.self).consumer_tag.byteString)
    case AMQP_BASIC_RETURN_METHOD:
      let returned = fields(amqp_basic_return_t.self)
      self = .basicReturn(
        CloseReason(
          code: ReplyCode(rawValue: returned.reply_code), text: returned.reply_text.text),
        exchange: returned.exchange.byteString, routingKey: returned.routing_key.byteString)
    case AMQP_BASIC_DELIVER_METHOD:
      let deliver = fields(amqp_basic_deliver_t.self)
      self = .basicDeliver(
        Envelope(
          consumerTag: deliver.consumer_tag.byteString, deliveryTag: deliver.delivery_tag,
          isRedelivered: deliver.redelivered != 0, exchange: deliver.exchange.byteString,
          routingKey: deliver.routing_key.byteString))
    case AMQP_BASIC_GET_OK_METHOD:
      let got = fields(amqp_basic_get_ok_t.self)
      self = .basicGetOK(
        Envelope(
          consumerTag: "", deliveryTag: got.delivery_tag, isRedelivered: got.redelivered != 0,
          exchange: got.exchange.byteString, routingKey: got.routing_key.byteString))
    case AMQP_BASIC_GET_EMPTY_METHOD:
      self = .basicGetEmpty
    case AMQP_BASIC_ACK_METHOD:
      let ack = fields(amqp_basic_ack_t.self)
      self = .basicAck(deliveryTag: ack.delivery_tag, multiple: ack.multiple != 0)
    case AMQP_BASIC_NACK_METHOD:
      let nack = fields(amqp_basic_nack_t.self)
      self = .basicNack(
        deliveryTag: nack.delivery_tag, multiple: nack.multiple != 0, requeue: nack.requeue != 0)
    case AMQP_CONFIRM_SELECT_OK_METHOD:
      self = .confirmSelectOK
    default:
      self = .other(id)
    }
  }
}
