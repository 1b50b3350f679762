/// The login: the answers to `connection.start` and `connection.tune` (AMQP 0-9-1, 1.4.2.2 and 1.4.2.5).
extension Connection {
  mutating func answerStart(_ mechanisms: ByteString) throws(AMQPError) {
    let offered = mechanisms.description.split(separator: " ")
    let mechanism = parameters.mechanism
    guard offered.contains(where: { $0 == mechanism.name }) else {
      throw AMQPError.loginRefused("the broker offers the mechanisms \(mechanisms), but not \(mechanism.name)")
    }
    let sentBefore = output.count
    let response = mechanism == .plain ? "\0\(parameters.username)\0\(parameters.password)" : ""
    try send(
      .connectionStartOK(
        clientProperties: [
          "product": .string("amqp-job"), "version": .string(ByteString(clientVersion)),
          "platform": .string("Swift"), "connection_name": .string(ByteString(parameters.name)),
          "capabilities": .table([
            "authentication_failure_close": .boolean(true), "basic.nack": .boolean(true),
            "connection.blocked": .boolean(true), "consumer_cancel_notify": .boolean(true),
            "publisher_confirms": .boolean(true),
          ]),
        ],
        mechanism: ByteString(mechanism.name), response: ByteString(response)), on: 0)
    loginSize = output.count - sentBefore
    phase = .tune
  }

  mutating func answerTune(_ offered: Method.Tuning, now: ContinuousClock.Instant) throws(AMQPError) {
    func negotiated<Number: FixedWidthInteger>(_ ours: Number, _ theirs: Number) -> Number {
      theirs == 0 ? ours : min(ours, theirs)
    }
    let agreed = Method.Tuning(
      channelMax: negotiated(channelMax, offered.channelMax),
      frameMax: negotiated(UInt32(frameMax), offered.frameMax),
      heartbeat: negotiated(parameters.heartbeat, offered.heartbeat))
    guard agreed.frameMax >= 4096 else {
      throw AMQPError.protocolViolation(
        "it sent a frame-max of \(agreed.frameMax) bytes, less than the 4096 that AMQP requires")
    }
    frameMax = Int(agreed.frameMax)
    channelMax = agreed.channelMax
    heartbeats = agreed.heartbeat == 0 ? nil : HeartbeatMonitor(interval: Int(agreed.heartbeat), now: now)
    try send(.connectionTuneOK(agreed), on: 0)
    try send(.connectionOpen(vhost: ByteString(parameters.vhost)), on: 0)
    for initial in parameters.initialMethods { try send(initial.method, on: initial.channel) }
    phase = .open
  }
}
