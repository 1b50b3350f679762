/// The AMQP 0-9-1 methods that amqp-job sends or understands, as plain values.
/// Source: <https://www.rabbitmq.com/resources/specs/amqp0-9-1.extended.xml>.
/// Two of them hold a secret: a method is not to be logged.
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
  /// RabbitMQ's: what the login was made with is replaced. A secret that the broker refuses closes the connection.
  case connectionUpdateSecret(newSecret: ByteString, reason: ByteString)
  case connectionUpdateSecretOK

  case channelOpen
  case channelOpenOK
  case channelClose(CloseReason)
  case channelCloseOK

  /// Asks whether an exchange is there.
  case exchangeDeclarePassive(exchange: ByteString)

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
  /// Its envelope has no consumer tag.
  case basicGetOK(Envelope)
  case basicGetEmpty
  case basicAck(deliveryTag: UInt64, multiple: Bool)
  case basicNack(deliveryTag: UInt64, multiple: Bool, requeue: Bool)
  case basicReject(deliveryTag: UInt64, requeue: Bool)

  case confirmSelect
  case confirmSelectOK

  /// A method that amqp-job has no use for, by its number (class in the high 16 bits).
  case other(UInt32)

  /// The limits of a connection; 0 means none.
  package struct Tuning: Hashable, Sendable {
    package var channelMax: UInt16
    /// Bytes in the largest frame, its 8 bytes of framing included.
    package var frameMax: UInt32
    /// Seconds.
    package var heartbeat: UInt16

    package init(channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16) {
      self.channelMax = channelMax
      self.frameMax = frameMax
      self.heartbeat = heartbeat
    }
  }

  /// `queue.declare`. Passive only asks whether the queue is there.
  package struct QueueDeclaration: Hashable, Sendable {
    package var name: ByteString
    package var isPassive: Bool
    package var isDurable: Bool
    /// For this connection alone, and gone with it.
    package var isExclusive: Bool
    /// Gone with its last consumer.
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

  /// What `queue.declare` answers.
  package struct QueueStatus: Hashable, Sendable {
    package var name: ByteString
    /// Messages ready for delivery; those held unacknowledged are not counted.
    package var messageCount: UInt32
    package var consumerCount: UInt32

    package init(name: ByteString, messageCount: UInt32, consumerCount: UInt32) {
      self.name = name
      self.messageCount = messageCount
      self.consumerCount = consumerCount
    }
  }
}

/// A method and the channel that it belongs to.
package struct ChannelMethod: Hashable, Sendable {
  package var channel: UInt16
  package var method: Method

  package init(_ method: Method, on channel: UInt16) {
    self.channel = channel
    self.method = method
  }
}

/// What a broker says of a message as it delivers it.
package struct Envelope: Hashable, Sendable {
  package var consumerTag: ByteString
  /// Names this delivery, on its channel only.
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

/// A message as it was delivered to a consumer.
package struct Delivery: Hashable, Sendable {
  package var envelope: Envelope
  package var properties: BasicProperties
  /// Empty where the body came in parts.
  package var body: [UInt8]
  /// The whole body's, in parts or not.
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

/// A message to be published.
package struct Message: Hashable, Sendable {
  package var properties: BasicProperties
  package var body: [UInt8]

  package init(properties: BasicProperties, body: [UInt8]) {
    self.properties = properties
    self.body = body
  }
}

/// A mandatory message that the broker could put into no queue.
package struct ReturnedMessage: Hashable, Sendable {
  package var reason: CloseReason
  package var properties: BasicProperties

  package init(reason: CloseReason, properties: BasicProperties) {
    self.reason = reason
    self.properties = properties
  }
}
