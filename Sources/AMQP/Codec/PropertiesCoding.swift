internal import CRabbitMQ

extension BasicProperties {
  /// Precondition: librabbitmq decoded `raw` as properties of the `basic` class.
  init(_ raw: UnsafeMutableRawPointer) {
    let source = raw.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
    func has(_ flag: Int32) -> Bool { source._flags & UInt32(flag) != 0 }
    self.init()
    if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { contentType = source.content_type.byteString }
    if has(AMQP_BASIC_CONTENT_ENCODING_FLAG) { contentEncoding = source.content_encoding.byteString }
    if has(AMQP_BASIC_HEADERS_FLAG) { headers = FieldTable(source.headers) }
    if has(AMQP_BASIC_DELIVERY_MODE_FLAG) { deliveryMode = source.delivery_mode }
    if has(AMQP_BASIC_PRIORITY_FLAG) { priority = source.priority }
    if has(AMQP_BASIC_CORRELATION_ID_FLAG) { correlationID = source.correlation_id.byteString }
    if has(AMQP_BASIC_REPLY_TO_FLAG) { replyTo = source.reply_to.byteString }
    if has(AMQP_BASIC_EXPIRATION_FLAG) { expiration = source.expiration.byteString }
    if has(AMQP_BASIC_MESSAGE_ID_FLAG) { messageID = source.message_id.byteString }
    if has(AMQP_BASIC_TIMESTAMP_FLAG) { timestamp = source.timestamp }
    if has(AMQP_BASIC_TYPE_FLAG) { type = source.type.byteString }
    if has(AMQP_BASIC_USER_ID_FLAG) { userID = source.user_id.byteString }
    if has(AMQP_BASIC_APP_ID_FLAG) { appID = source.app_id.byteString }
  }

  func raw(in pool: UnsafeMutablePointer<amqp_pool_t>) -> amqp_basic_properties_t {
    var target = amqp_basic_properties_t()
    func set<Value>(
      _ flag: Int32, _ value: Value?, _ field: WritableKeyPath<amqp_basic_properties_t, Value>
    ) {
      guard let value else { return }
      target._flags |= UInt32(flag)
      target[keyPath: field] = value
    }
    set(AMQP_BASIC_CONTENT_TYPE_FLAG, contentType.map(pool.copy), \.content_type)
    set(AMQP_BASIC_CONTENT_ENCODING_FLAG, contentEncoding.map(pool.copy), \.content_encoding)
    set(AMQP_BASIC_HEADERS_FLAG, headers.map(pool.copy), \.headers)
    set(AMQP_BASIC_DELIVERY_MODE_FLAG, deliveryMode, \.delivery_mode)
    set(AMQP_BASIC_PRIORITY_FLAG, priority, \.priority)
    set(AMQP_BASIC_CORRELATION_ID_FLAG, correlationID.map(pool.copy), \.correlation_id)
    set(AMQP_BASIC_REPLY_TO_FLAG, replyTo.map(pool.copy), \.reply_to)
    set(AMQP_BASIC_EXPIRATION_FLAG, expiration.map(pool.copy), \.expiration)
    set(AMQP_BASIC_MESSAGE_ID_FLAG, messageID.map(pool.copy), \.message_id)
    set(AMQP_BASIC_TIMESTAMP_FLAG, timestamp, \.timestamp)
    set(AMQP_BASIC_TYPE_FLAG, type.map(pool.copy), \.type)
    set(AMQP_BASIC_USER_ID_FLAG, userID.map(pool.copy), \.user_id)
    set(AMQP_BASIC_APP_ID_FLAG, appID.map(pool.copy), \.app_id)
    return target
  }
}
