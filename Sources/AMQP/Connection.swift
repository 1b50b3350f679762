/// A client's side of a connection with an AMQP 0-9-1 broker, without any I/O. The caller passes received bytes to
/// `receive`, sends the bytes that collect in `output`, and passes the time in. So nothing here can block, and tests can
/// drive every state as a value.
package struct Connection {
  package struct Parameters: Sendable {
    package var username: String
    package var password: String
    package var vhost: String
    package var mechanism: BrokerURL.Mechanism
    /// The maximum heartbeat interval in seconds; 0 for no heartbeats. The broker may ask for a shorter one.
    package var heartbeat: UInt16
    /// The connection name that the broker's management tools show.
    package var name: String
    /// The methods to send directly after `connection.open`, without waiting for its answer. A broker handles them in
    /// order, and ignores them if it refuses the login.
    package var initialMethods: [ChannelMethod]
    /// The maximum size in bytes of a body that is kept until it is complete. A larger body is passed on in parts.
    package var maxBodySizeInMemory = Int.max

    package init(url: BrokerURL, heartbeat: UInt16, name: String, initialMethods: [ChannelMethod] = []) {
      username = url.username
      password = url.password
      vhost = url.vhost
      mechanism = url.mechanism
      self.heartbeat = heartbeat
      self.name = name
      self.initialMethods = initialMethods
    }

    /// Replaces the user name and the password by those of `url`.
    package mutating func logIn(as url: BrokerURL) { (username, password) = (url.username, url.password) }
  }

  package enum Event: Hashable, Sendable {
    /// The broker accepted the login. Channels can be opened now.
    case opened
    case method(channel: UInt16, Method)
    /// A message arrives whose body is larger than `maxBodySizeInMemory`. The body follows in parts.
    case announced(channel: UInt16, Delivery)
    /// The next bytes of an announced body. `size` is the size of the whole body. `delivered` follows the last part,
    /// unless the channel or the connection ends first.
    case bodyPart(channel: UInt16, size: UInt64, [UInt8])
    case delivered(channel: UInt16, Delivery)
    case returned(channel: UInt16, ReturnedMessage)
    /// The broker answered our `close`.
    case closed
  }

  /// The bytes to send to the peer, in order. The caller removes what it has sent.
  package var output: [UInt8] = []

  /// What the broker reports about itself, such as its product and version. Empty until `connection.start` arrives.
  package private(set) var serverProperties = FieldTable()

  enum Phase { case start, tune, open, ready, closing }

  var parameters: Parameters
  private let codec = Codec()
  var phase = Phase.start
  private var reader = FrameReader()
  private var channels = OpenChannels()
  private var contents: [UInt16: IncomingContent] = [:]
  var frameMax = 131_072
  /// The highest channel number that may be used.
  package internal(set) var channelMax: UInt16 = 2047
  var heartbeats: HeartbeatMonitor?
  /// The agreed heartbeat interval in seconds. It is nil before the agreement, and if there are no heartbeats.
  package var heartbeat: Int? { heartbeats?.interval }
  var loginSize = 0
  /// The size in bytes of `connection.start-ok` while the broker has not answered it; nil at all other times.
  package var unansweredLoginSize: Int? { phase == .tune ? loginSize : nil }
  /// The error that ended the connection, kept for `tick` if `receive` returned earlier events instead of throwing it.
  private var failure: AMQPError?
  /// Whether the connection is closed as soon as the login is complete.
  private var closesAfterLogin = false

  package init(_ parameters: Parameters) {
    self.parameters = parameters
    output = Array("AMQP".utf8) + [0, 0, 9, 1]
  }

  // MARK: Sending

  /// Throws `AMQPError.doesNotFitFrame`.
  package mutating func send(_ method: Method, on channel: UInt16) throws(AMQPError) {
    Frame.write(
      .method, channel: channel, payload: try codec.encode(method, limit: frameMax - Frame.overhead),
      to: &output)
    channels.note(sent: method, on: channel)
  }

  /// Sends a method that carries a message, which is `basic.publish`. Throws `AMQPError.doesNotFitFrame`; then nothing
  /// was sent.
  package mutating func send(
    _ method: Method, properties: BasicProperties, body: [UInt8], on channel: UInt16
  ) throws(AMQPError) {
    try send(method, properties: properties, bodySize: UInt64(body.count), on: channel)
    sendBody(body[...], on: channel)
  }

  /// Sends the method and the header of a message. The caller must send the body with `sendBody` before it sends anything
  /// else on the channel. Throws `AMQPError.doesNotFitFrame`; then nothing was sent.
  package mutating func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws(AMQPError) {
    let limit = frameMax - Frame.overhead
    let encodedMethod = try codec.encode(method, limit: limit)
    var header: [UInt8] = []
    header.append(bigEndian: UInt16(60))  // class basic
    header.append(bigEndian: UInt16(0))  // weight, unused
    header.append(bigEndian: bodySize)
    header += try codec.encode(properties, limit: limit - header.count)
    Frame.write(.method, channel: channel, payload: encodedMethod, to: &output)
    Frame.write(.header, channel: channel, payload: header, to: &output)
  }

  /// Whether the properties fit a frame of this connection.
  package func fits(_ properties: BasicProperties) -> Bool {
    // The class, the weight and the body size come first in the frame, and take 12 bytes.
    (try? codec.encode(properties, limit: frameMax - Frame.overhead - 12)) != nil
  }

  /// Encodes what many messages have in common. Throws `AMQPError.doesNotFitFrame`.
  package func template(_ method: Method, _ properties: BasicProperties) throws(AMQPError) -> MessageTemplate {
    try MessageTemplate(method, properties, codec: codec, limit: frameMax - Frame.overhead)
  }

  /// Sends the method and the header of a message. The caller must send the body with `sendBody` before it sends anything
  /// else on the channel. Throws `AMQPError.doesNotFitFrame`; then nothing was sent.
  package mutating func send(
    _ template: MessageTemplate, messageID: ByteString, bodySize: UInt64, on channel: UInt16
  ) throws(AMQPError) {
    try template.write(
      messageID: messageID, bodySize: bodySize, on: channel, limit: frameMax - Frame.overhead, to: &output)
  }

  /// Sends the next bytes of the body that the last `send` on the channel announced.
  package mutating func sendBody(_ part: ArraySlice<UInt8>, on channel: UInt16) {
    var rest = part
    while !rest.isEmpty {
      let payload = rest.prefix(frameMax - Frame.overhead)
      Frame.write(.body, channel: channel, payload: payload, to: &output)
      rest = rest[payload.endIndex...]
    }
  }

  /// Begins to close the connection; `Event.closed` follows. A broker does not accept `connection.close` during the login,
  /// so the login is completed first, but without the initial methods.
  package mutating func close() throws(AMQPError) {
    switch phase {
    case .start, .tune, .open:
      parameters.initialMethods = []
      closesAfterLogin = true
    case .ready:
      try send(.connectionClose(CloseReason(code: .success, text: "bye")), on: 0)
      phase = .closing
    case .closing: break
    }
  }

  // MARK: Receiving

  /// Takes bytes that the peer sent. If an error follows some events, those events are returned, and the next `tick`
  /// throws the error. After an error the connection is unusable, but `output` may still be sent.
  package mutating func receive(
    _ bytes: some Collection<UInt8>, now: ContinuousClock.Instant
  ) throws(AMQPError) -> [Event] {
    heartbeats?.didReceive(at: now)
    reader.append(bytes)
    var events: [Event] = []
    do {
      while let frame = try reader.next() { try receive(frame, now: now, into: &events) }
    } catch {
      guard !events.isEmpty else { throw error }
      failure = error
    }
    return events
  }

  private mutating func receive(
    _ frame: Frame, now: ContinuousClock.Instant, into events: inout [Event]
  ) throws(AMQPError) {
    switch frame.kind {
    case .heartbeat:
      break
    case .method:
      try receive(codec.decodeMethod(frame.payload), on: frame.channel, now: now, into: &events)
    case .header:
      guard var content = contents[frame.channel], !content.hasHeader, frame.payload.count >= 12 else {
        throw AMQPError.protocolViolation("it sent a message header without a method before it")
      }
      content.begin(
        codec.decodeProperties(frame.payload.dropFirst(12)),
        bodySize: UInt64(bigEndianBytes: frame.payload.dropFirst(4).prefix(8)),
        maxSizeInMemory: parameters.maxBodySizeInMemory)
      contents[frame.channel] = content
      if let delivery = content.announcement { events.append(.announced(channel: frame.channel, delivery)) }
      completeContent(on: frame.channel, into: &events)
    case .body:
      guard let size = contents[frame.channel]?.bodySize else {
        throw AMQPError.protocolViolation("it sent a message body without a method before it")
      }
      if let part = try contents[frame.channel]?.append(frame.payload) {
        events.append(.bodyPart(channel: frame.channel, size: size, part))
      }
      completeContent(on: frame.channel, into: &events)
    }
  }

  // MARK: Time

  /// When `tick` must be called next. It is nil before the heartbeat interval is agreed, and if there are no heartbeats.
  package var nextTick: ContinuousClock.Instant? { heartbeats?.nextTick }

  /// Sends a heartbeat if one is due. The caller must first receive everything that has arrived. Throws
  /// `AMQPError.heartbeatMissed`, or the error that `receive` met after the events that it returned.
  package mutating func tick(now: ContinuousClock.Instant) throws(AMQPError) {
    if let failure { throw failure }
    guard let heartbeats else { return }
    if heartbeats.isPeerSilent(at: now) {
      throw AMQPError.heartbeatMissed(seconds: heartbeats.interval)
    }
    if heartbeats.shouldSend(at: now) {
      Frame.write(.heartbeat, channel: 0, payload: [], to: &output)
      self.heartbeats?.didSend(at: now)
    }
  }

  /// Restarts the wait for the peer's heartbeat. The caller uses it while it does not read from the socket, because then
  /// silence does not mean that the peer is gone.
  package mutating func resetHeartbeatTimeout(now: ContinuousClock.Instant) { heartbeats?.didReceive(at: now) }

  // MARK: Methods

  private mutating func receive(
    _ method: Method, on channel: UInt16, now: ContinuousClock.Instant, into events: inout [Event]
  ) throws(AMQPError) {
    try channels.check(method, on: channel)
    if contents[channel] != nil, !method.endsChannel {
      // Accepting this would leave an incomplete message that the broker counts as delivered and nobody ever settles.
      throw AMQPError.protocolViolation("it sent a method between the frames of a message")
    }
    switch (method, phase) {
    case (.connectionClose(let reason), _):
      throw try answerClose(reason)
    case (.connectionStart(let mechanisms, let serverProperties), .start):
      self.serverProperties = serverProperties
      try answerStart(mechanisms)
    case (.connectionTune(let tuning), .tune):
      try answerTune(tuning, now: now)
    case (.connectionOpenOK, .open):
      phase = .ready
      events.append(.opened)
      if closesAfterLogin { try close() }
    case (.connectionCloseOK, .closing):
      events.append(.closed)
    case (_, .start), (_, .tune), (_, .open):
      throw AMQPError.protocolViolation("it sent an unexpected method during the login")
    case (.channelClose, _), (.channelCloseOK, _):
      contents[channel] = nil
      channels.end(channel)
      if case .channelClose = method { try send(.channelCloseOK, on: channel) }
      events.append(.method(channel: channel, method))
    case (.basicDeliver, _), (.basicGetOK, _), (.basicReturn, _):
      contents[channel] = IncomingContent(method: method)
    default:
      events.append(.method(channel: channel, method))
    }
  }

  /// Answers `connection.close`, and returns the error that reports it.
  private mutating func answerClose(_ reason: CloseReason) throws(AMQPError) -> AMQPError {
    output.removeAll()
    try send(.connectionCloseOK, on: 0)
    let isLogin = [.start, .tune, .open].contains(phase)
    return isLogin && reason.refusesLogin ? .loginRefused(reason.text) : .connectionClosed(reason)
  }

  private mutating func completeContent(on channel: UInt16, into events: inout [Event]) {
    guard let content = contents[channel], content.isComplete else { return }
    contents[channel] = nil
    if let event = content.event(on: channel) { events.append(event) }
  }
}

extension Method {
  fileprivate var endsChannel: Bool {
    switch self {
    case .channelClose, .channelCloseOK: true
    default: false
    }
  }
}

/// The version that a broker shows for this client and that `--version` prints.
package let clientVersion = "0.1.0"
