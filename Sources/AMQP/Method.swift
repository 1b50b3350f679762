/// The AMQP 0-9-1 methods that amqp-job sends or understands
/// (<https://www.rabbitmq.com/resources/specs/amqp0-9-1.extended.xml>).
/// Methods must not be logged, because two of them carry a secret.
package enum Method: Hashable, Sendable {
  case connectionStart(mechanisms: ByteString, serverProperties: FieldTable)
  case connectionStartOK(clientProperties: FieldTable, mechanism: ByteString, response: ByteString)
  case connectionTune(Tuning)
  case connectionTuneOK(Tuning)
  case connectionOpen(vhost: ByteString)
  case connectionOpenOK
  case connectionClose(CloseReason)
  case connectionCloseOK
  case connectionBlocked(reason: String)
  case connectionUnblocked
  /// A RabbitMQ extension that replaces the login's secret. The broker closes the connection if it refuses the new one.
  case connectionUpdateSecret(newSecret: ByteString, reason: ByteString)
  case connectionUpdateSecretOK

  case channelOpen
  case channelOpenOK
  case channelClose(CloseReason)
  case channelCloseOK

  /// Asks whether an exchange exists.
  case exchangeDeclarePassive(exchange: ByteString)
  /// Makes a durable topic exchange, or finds one.
  case exchangeDeclareTopic(exchange: ByteString)
  /// A RabbitMQ extension that makes one exchange pass messages on to another
  /// (<https://www.rabbitmq.com/docs/e2e>).
  case exchangeBind(destination: ByteString, source: ByteString, routingKey: ByteString)

  case queueDeclare(QueueDeclaration)
  case queueDeclareOK(QueueStatus)
  case queueBind(queue: ByteString, exchange: ByteString, routingKey: ByteString)
  case queueBindOK
  case queueDelete(queue: ByteString, ifUnused: Bool, ifEmpty: Bool)
  case queueDeleteOK(messageCount: UInt32)
  case queuePurge(queue: ByteString)
  case queuePurgeOK(messageCount: UInt32)

  case basicQoS(prefetchCount: UInt16)
  case basicQoSOK
  case basicConsume(queue: ByteString, consumerTag: ByteString, arguments: FieldTable)
  case basicConsumeOK(consumerTag: ByteString)
  case basicCancel(consumerTag: ByteString)
  case basicCancelOK(consumerTag: ByteString)
  case basicPublish(exchange: ByteString, routingKey: ByteString, mandatory: Bool)
  case basicReturn(CloseReason, exchange: ByteString, routingKey: ByteString)
  case basicDeliver(Envelope)
  case basicGet(queue: ByteString, noAck: Bool = false)
  /// The envelope's consumer tag is empty.
  case basicGetOK(Envelope)
  case basicGetEmpty
  case basicAck(deliveryTag: UInt64, multiple: Bool)
  case basicNack(deliveryTag: UInt64, multiple: Bool, requeue: Bool)
  case basicReject(deliveryTag: UInt64, requeue: Bool)

  case confirmSelect
  case confirmSelectOK

  /// A method that amqp-job does not use. The number has the class id in its high 16 bits and the method id in its low 16.
  case other(UInt32)

  /// The limits of a connection. 0 means no limit, or no heartbeats.
  package struct Tuning: Hashable, Sendable {
    package var channelMax: UInt16
    /// The maximum size of a frame in bytes, including its 8 bytes of framing.
    package var frameMax: UInt32
    /// The heartbeat interval in seconds.
    package var heartbeat: UInt16

    package init(channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16) {
      self.channelMax = channelMax
      self.frameMax = frameMax
      self.heartbeat = heartbeat
    }
  }

  /// The arguments of `queue.declare`. A passive declaration only asks whether the queue exists.
  package struct QueueDeclaration: Hashable, Sendable {
    package var name: ByteString
    package var isPassive: Bool
    package var isDurable: Bool
    /// Only this connection can use the queue, and the broker deletes it when the connection ends.
    package var isExclusive: Bool
    /// The broker deletes the queue when its last consumer is gone.
    package var isAutoDelete: Bool
    package var arguments: FieldTable

    package init(
      name: ByteString, isPassive: Bool = false, isDurable: Bool = true, isExclusive: Bool = false,
      isAutoDelete: Bool = false, arguments: FieldTable = FieldTable()
    ) {
      self.name = name
      self.isPassive = isPassive
      self.isDurable = isDurable
      self.isExclusive = isExclusive
      self.isAutoDelete = isAutoDelete
      self.arguments = arguments
    }
  }

  /// The answer to `queue.declare`.
  package struct QueueStatus: Hashable, Sendable {
    package var name: ByteString
    /// The number of messages that are ready for delivery. Unacknowledged messages are not included.
    package var messageCount: UInt32
    package var consumerCount: UInt32

    package init(name: ByteString, messageCount: UInt32, consumerCount: UInt32) {
      self.name = name
      self.messageCount = messageCount
      self.consumerCount = consumerCount
    }
  }
}

/// A method and the channel to send it on.
package struct ChannelMethod: Hashable, Sendable {
  package var channel: UInt16
  package var method: Method

  package init(_ method: Method, on channel: UInt16) {
    self.channel = channel
    self.method = method
  }
}

/// What a broker states about a message when it delivers it.
package struct Envelope: Hashable, Sendable {
  package var consumerTag: ByteString
  /// Identifies this delivery within its channel.
  package var deliveryTag: UInt64
  package var isRedelivered: Bool
  package var exchange: ByteString
  package var routingKey: ByteString

  package init(
    consumerTag: ByteString, deliveryTag: UInt64, isRedelivered: Bool, exchange: ByteString,
    routingKey: ByteString
  ) {
    self.consumerTag = consumerTag
    self.deliveryTag = deliveryTag
    self.isRedelivered = isRedelivered
    self.exchange = exchange
    self.routingKey = routingKey
  }
}

/// A message that was delivered to a consumer.
package struct Delivery: Hashable, Sendable {
  package var envelope: Envelope
  package var properties: BasicProperties
  /// The whole body. It is empty if the body was passed on in parts.
  package var body: [UInt8]
  /// The size of the whole body in bytes, even if it was passed on in parts.
  package var bodySize: UInt64

  package init(
    envelope: Envelope, properties: BasicProperties, body: [UInt8], bodySize: UInt64? = nil
  ) {
    self.envelope = envelope
    self.properties = properties
    self.body = body
    self.bodySize = bodySize ?? UInt64(body.count)
  }
}

/// A message that was published as mandatory, and that the broker could not route to a queue.
package struct ReturnedMessage: Hashable, Sendable {
  package var reason: CloseReason
  package var properties: BasicProperties

  package init(reason: CloseReason, properties: BasicProperties) {
    self.reason = reason
    self.properties = properties
  }
}
