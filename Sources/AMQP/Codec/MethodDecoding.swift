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
    let arguments = DecodedArguments(id: id, raw: raw)
    self =
      arguments.connectionMethod ?? arguments.channelOrQueueMethod ?? arguments.deliveryMethod
      ?? arguments.otherBasicMethod ?? .other(id)
  }
}

/// The decoded arguments of a method. Each property covers some methods, and is nil for all others.
private struct DecodedArguments {
  let id: UInt32
  let raw: UnsafeMutableRawPointer

  private func fields<Fields>(_ type: Fields.Type) -> Fields {
    raw.assumingMemoryBound(to: type).pointee
  }

  var connectionMethod: Method? {
    switch id {
    case AMQP_CONNECTION_START_METHOD:
      let start = fields(amqp_connection_start_t.self)
      return .connectionStart(
        mechanisms: start.mechanisms.byteString,
        serverProperties: FieldTable(start.server_properties))
    case AMQP_CONNECTION_TUNE_METHOD:
      let tune = fields(amqp_connection_tune_t.self)
      return .connectionTune(
        Method.Tuning(
          channelMax: tune.channel_max, frameMax: tune.frame_max, heartbeat: tune.heartbeat))
    case AMQP_CONNECTION_OPEN_OK_METHOD:
      return .connectionOpenOK
    case AMQP_CONNECTION_CLOSE_METHOD:
      let close = fields(amqp_connection_close_t.self)
      return .connectionClose(
        CloseReason(code: ReplyCode(rawValue: close.reply_code), text: close.reply_text.text))
    case AMQP_CONNECTION_CLOSE_OK_METHOD:
      return .connectionCloseOK
    case AMQP_CONNECTION_BLOCKED_METHOD:
      return .connectionBlocked(reason: fields(amqp_connection_blocked_t.self).reason.text)
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      return .connectionUnblocked
    default:
      return nil
    }
  }

  var channelOrQueueMethod: Method? {
    switch id {
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      return .channelOpenOK
    case AMQP_CHANNEL_CLOSE_METHOD:
      let close = fields(amqp_channel_close_t.self)
      return .channelClose(
        CloseReason(code: ReplyCode(rawValue: close.reply_code), text: close.reply_text.text))
    case AMQP_CHANNEL_CLOSE_OK_METHOD:
      return .channelCloseOK
    case AMQP_QUEUE_DECLARE_OK_METHOD:
      let status = fields(amqp_queue_declare_ok_t.self)
      return .queueDeclareOK(
        Method.QueueStatus(
          name: status.queue.byteString, messageCount: status.message_count,
          consumerCount: status.consumer_count))
    case AMQP_QUEUE_BIND_OK_METHOD:
      return .queueBindOK
    case AMQP_QUEUE_DELETE_OK_METHOD:
      return .queueDeleteOK(messageCount: fields(amqp_queue_delete_ok_t.self).message_count)
    case AMQP_QUEUE_PURGE_OK_METHOD:
      return .queuePurgeOK(messageCount: fields(amqp_queue_purge_ok_t.self).message_count)
    case AMQP_CONFIRM_SELECT_OK_METHOD:
      return .confirmSelectOK
    default:
      return nil
    }
  }

  var deliveryMethod: Method? {
    switch id {
    case AMQP_BASIC_RETURN_METHOD:
      let returned = fields(amqp_basic_return_t.self)
      return .basicReturn(
        CloseReason(
          code: ReplyCode(rawValue: returned.reply_code), text: returned.reply_text.text),
        exchange: returned.exchange.byteString, routingKey: returned.routing_key.byteString)
    case AMQP_BASIC_DELIVER_METHOD:
      let deliver = fields(amqp_basic_deliver_t.self)
      return .basicDeliver(
        Envelope(
          consumerTag: deliver.consumer_tag.byteString, deliveryTag: deliver.delivery_tag,
          isRedelivered: deliver.redelivered != 0, exchange: deliver.exchange.byteString,
          routingKey: deliver.routing_key.byteString))
    case AMQP_BASIC_GET_OK_METHOD:
      let got = fields(amqp_basic_get_ok_t.self)
      return .basicGetOK(
        Envelope(
          consumerTag: "", deliveryTag: got.delivery_tag, isRedelivered: got.redelivered != 0,
          exchange: got.exchange.byteString, routingKey: got.routing_key.byteString))
    case AMQP_BASIC_GET_EMPTY_METHOD:
      return .basicGetEmpty
    default:
      return nil
    }
  }

  var otherBasicMethod: Method? {
    switch id {
    case AMQP_BASIC_QOS_OK_METHOD:
      return .basicQoSOK
    case AMQP_BASIC_CONSUME_OK_METHOD:
      return .basicConsumeOK(
        consumerTag: fields(amqp_basic_consume_ok_t.self).consumer_tag.byteString)
    case AMQP_BASIC_CANCEL_METHOD:
      return .basicCancel(consumerTag: fields(amqp_basic_cancel_t.self).consumer_tag.byteString)
    case AMQP_BASIC_CANCEL_OK_METHOD:
      return .basicCancelOK(
        consumerTag: fields(amqp_basic_cancel_ok_t.self).consumer_tag.byteString)
    case AMQP_BASIC_ACK_METHOD:
      let ack = fields(amqp_basic_ack_t.self)
      return .basicAck(deliveryTag: ack.delivery_tag, multiple: ack.multiple != 0)
    case AMQP_BASIC_NACK_METHOD:
      let nack = fields(amqp_basic_nack_t.self)
      return .basicNack(
        deliveryTag: nack.delivery_tag, multiple: nack.multiple != 0, requeue: nack.requeue != 0)
    default:
      return nil
    }
  }
}
