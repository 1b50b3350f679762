/// One client's conversation with an AMQP 0-9-1 broker, without any I/O: bytes that came in are
/// given to `receive`, bytes to be sent collect in `output`, and time is passed in. So nothing here
/// can block, and every state can be tested as a value.
package struct Connection {
  package struct Parameters: Sendable {
    package var username: String
    package var password: String
    package var vhost: String
    package var mechanism: BrokerURL.Mechanism
    /// Seconds between heartbeats at most; 0 for none. The broker's own wish counts where it is lower.
    package var heartbeat: UInt16
    /// Shown by the broker's management tools.
    package var name: String
    /// Methods to send right behind `connection.open`. A broker takes them in order, and ignores
    /// them where it refuses the login.
    package var opening: [ChannelMethod]
    /// Of a larger body the parts are handed on as they come, and are not kept.
    package var largestBodyInMemory = Int.max

    package init(url: BrokerURL, heartbeat: UInt16, name: String, opening: [ChannelMethod] = []) {
      username = url.username
      password = url.password
      vhost = url.vhost
      mechanism = url.mechanism
      self.heartbeat = heartbeat
      self.name = name
      self.opening = opening
    }

    /// With the user name and the password of that URL.
    package mutating func logIn(as url: BrokerURL) { (username, password) = (url.username, url.password) }
  }

  package enum Event: Hashable, Sendable {
    /// The broker accepted us: channels can be opened.
    case opened
    case method(channel: UInt16, Method)
    /// A message came whose body is larger than `largestBodyInMemory`, and follows in parts.
    case announced(channel: UInt16, Delivery)
    /// The next bytes of such a body; `size` is the whole body's. `delivered` follows the last of them, unless the channel
    /// or the connection ends before.
    case bodyPart(channel: UInt16, size: UInt64, [UInt8])
    case delivered(channel: UInt16, Delivery)
    case returned(channel: UInt16, ReturnedMessage)
    /// The broker answered our `close`.
    case closed
  }

  /// Bytes for the peer, in order; whoever writes them removes them.
  package var output: [UInt8] = []

  /// What the broker says of itself, such as its product and version; empty before it has.
  package private(set) var serverProperties = FieldTable()

  enum Phase { case start, tune, open, ready, closing }

  var parameters: Parameters
  private let codec = Codec()
  var phase = Phase.start
  private var reader = FrameReader()
  private var channels = OpenChannels()
  private var contents: [UInt16: IncomingContent] = [:]
  var frameMax = 131_072
  /// The highest number of a channel.
  package internal(set) var channelMax: UInt16 = 2047
  var heartbeats: HeartbeatMonitor?
  /// Seconds between heartbeats, as agreed; nil before that, and for none.
  package var heartbeat: Int? { heartbeats?.interval }
  var loginSize = 0
  /// How many bytes the login has taken that the broker has not answered yet; nil for none.
  package var unansweredLoginSize: Int? { phase == .tune ? loginSize : nil }
  /// What ended the connection behind events that came before.
  private var failure: AMQPError?
  /// It is to be closed as soon as the login is over.
  private var closesAfterLogin = false

  package init(_ parameters: Parameters) {
    self.parameters = parameters
    output = Array("AMQP".utf8) + [0, 0, 9, 1]
  }

  // MARK: Sending

  /// - Throws: `AMQPError.doesNotFitFrame`
  package mutating func send(_ method: Method, on channel: UInt16) throws {
    Frame.write(
      .method, channel: channel, payload: try codec.encode(method, limit: frameMax - Frame.overhead),
      to: &output)
    channels.note(sent: method, on: channel)
  }

  /// Sends a method that carries a message: `basic.publish`.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing has been sent.
  package mutating func send(
    _ method: Method, properties: BasicProperties, body: [UInt8], on channel: UInt16
  ) throws {
    try send(method, properties: properties, bodySize: UInt64(body.count), on: channel)
    sendBody(body[...], on: channel)
  }

  /// Begins to send a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing has been sent.
  package mutating func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws {
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

  /// Whether a frame takes such properties.
  package func fits(_ properties: BasicProperties) -> Bool {
    // Before them come the class, a weight and the body's size.
    (try? codec.encode(properties, limit: frameMax - Frame.overhead - 12)) != nil
  }

  /// What many messages have in common, to be sent with the id and the size of each.
  /// - Throws: `AMQPError.doesNotFitFrame`
  package func template(_ method: Method, _ properties: BasicProperties) throws -> MessageTemplate {
    try MessageTemplate(method, properties, codec: codec, limit: frameMax - Frame.overhead)
  }

  /// Begins to send a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing has been sent.
  package mutating func send(
    _ template: MessageTemplate, messageID: ByteString, bodySize: UInt64, on channel: UInt16
  ) throws {
    try template.write(
      messageID: messageID, bodySize: bodySize, on: channel, limit: frameMax - Frame.overhead, to: &output)
  }

  /// Sends the next bytes of the body of the message that was begun on the channel.
  package mutating func sendBody(_ part: ArraySlice<UInt8>, on channel: UInt16) {
    var rest = part
    while !rest.isEmpty {
      let payload = rest.prefix(frameMax - Frame.overhead)
      Frame.write(.body, channel: channel, payload: payload, to: &output)
      rest = rest[payload.endIndex...]
    }
  }

  /// Begins a clean end of the connection; `Event.closed` follows. A broker takes no close in the middle of the login: there
  /// the login is finished first, without the methods that were to go with it.
  package mutating func close() throws {
    switch phase {
    case .start, .tune, .open:
      parameters.opening = []
      closesAfterLogin = true
    case .ready:
      try send(.connectionClose(CloseReason(code: .success, text: "bye")), on: 0)
      phase = .closing
    case .closing: break
    }
  }

  // MARK: Receiving

  /// Takes bytes that came from the peer. What they end with does not undo what came before: events are
  /// returned, and an error behind them is thrown by the next `tick`.
  /// - Throws: `AMQPError`; the connection is of no more use then, but what `output` holds may still be sent.
  package mutating func receive(
    _ bytes: some Collection<UInt8>, now: ContinuousClock.Instant
  ) throws -> [Event] {
    heartbeats?.didReceive(at: now)
    reader.append(bytes)
    var events: [Event] = []
    do {
      while let frame = try reader.next() { try receive(frame, now: now, into: &events) }
    } catch let error as AMQPError where !events.isEmpty {
      failure = error
    }
    return events
  }

  private mutating func receive(
    _ frame: Frame, now: ContinuousClock.Instant, into events: inout [Event]
  ) throws {
    switch frame.kind {
    case .heartbeat:
      break
    case .method:
      try receive(codec.decodeMethod(frame.payload), on: frame.channel, now: now, into: &events)
    case .header:
      guard var content = contents[frame.channel], !content.hasHeader, frame.payload.count >= 12 else {
        throw AMQPError.protocolViolation("a message header that nothing announced")
      }
      content.begin(
        codec.decodeProperties(frame.payload.dropFirst(12)),
        bodySize: UInt64(bigEndianBytes: frame.payload.dropFirst(4).prefix(8)),
        largestInMemory: parameters.largestBodyInMemory)
      contents[frame.channel] = content
      if let delivery = content.announcement { events.append(.announced(channel: frame.channel, delivery)) }
      completeContent(on: frame.channel, into: &events)
    case .body:
      guard let size = contents[frame.channel]?.bodySize else {
        throw AMQPError.protocolViolation("a message body that nothing announced")
      }
      if let part = try contents[frame.channel]?.append(frame.payload) {
        events.append(.bodyPart(channel: frame.channel, size: size, part))
      }
      completeContent(on: frame.channel, into: &events)
    }
  }

  // MARK: Time

  /// When `tick` wants to be called; nil before the heartbeat is agreed on, and without one.
  package var nextTick: ContinuousClock.Instant? { heartbeats?.nextTick }

  /// Sends a heartbeat where one is due.
  /// - Throws: `AMQPError.heartbeatMissed`, or what `receive` met behind the events that it returned. Whatever can be received has to be received first.
  package mutating func tick(now: ContinuousClock.Instant) throws {
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

  /// What the peer has sent is left unread, so that it has not been heard means nothing.
  package mutating func excuseSilence(until now: ContinuousClock.Instant) { heartbeats?.didReceive(at: now) }

  // MARK: Methods

  private mutating func receive(
    _ method: Method, on channel: UInt16, now: ContinuousClock.Instant, into events: inout [Event]
  ) throws {
    try channels.check(method, on: channel)
    if contents[channel] != nil, !method.endsChannel {
      // A message of which a part is missing would be held for ever, and pass for one that is not there.
      throw AMQPError.protocolViolation("a method within a message")
    }
    switch (method, phase) {
    case (.connectionClose(let reason), _):
      output.removeAll()
      try send(.connectionCloseOK, on: 0)
      let isLogin = [.start, .tune, .open].contains(phase)
      throw isLogin && reason.refusesLogin
        ? AMQPError.loginRefused(reason.text) : AMQPError.connectionClosed(reason)
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
      throw AMQPError.protocolViolation("an unexpected answer in the login")
    case (.channelClose, _):
      contents[channel] = nil
      channels.end(channel)
      try send(.channelCloseOK, on: channel)
      events.append(.method(channel: channel, method))
    case (.channelCloseOK, _):
      contents[channel] = nil
      channels.end(channel)
      events.append(.method(channel: channel, method))
    case (.basicDeliver, _), (.basicGetOK, _), (.basicReturn, _):
      contents[channel] = IncomingContent(method: method)
    default:
      events.append(.method(channel: channel, method))
    }
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

/// The version that a broker shows for this client, and `--version` prints.
package let clientVersion = "0.1.0"
