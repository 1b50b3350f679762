internal import AMQP
internal import Broker
internal import Linux

/// Takes the frames of messages that are being published.
protocol FrameSink: AnyObject {
  func send(_ method: Method, on channel: UInt16) throws(AMQPError)
  func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws(AMQPError)
  func sendBody(_ part: [UInt8], on channel: UInt16)
}

extension BrokerLink: FrameSink {}

/// The copies on one connection, without any I/O. It decides which channel each copy uses, what is sent next, and what
/// the broker's answers mean for each copy.
///
/// A channel carries one message at a time, from its first frame to the broker's confirmation. A `basic.return`
/// identifies its message only by the properties, and message ids may be missing or repeated. The close of a channel
/// leaves the outcome of all its messages open. With one message per channel, both are unambiguous. This costs no
/// speed: the channels are confirmed in parallel, and opening a channel takes no round trip.
struct OutgoingCopies {
  /// The maximum number of unconfirmed messages, which is also the maximum number of channels.
  static let maxUnconfirmed: UInt16 = 8
  struct Message {
    let id: Int
    let properties: BasicProperties
    let body: any MessageBody
    let destination: Destination
    /// The message is refused if all queues of this one are there, since its own queue is then one of them.
    var owner: WorkQueue?
  }

  /// The question whether a message's queue is there for the runners of another queue.
  private struct Inquiry {
    var message: Message
    /// How many answers are still to come.
    var openCount: Int
  }

  /// A body could not be read after its message was begun. The message cannot be withdrawn.
  struct BodyFailure: Error {
    let reason: String
  }

  private struct Channel {
    var isOpen = false
    /// The number of messages since the channel was opened, which is the delivery tag of the latest one.
    var publishedCount: UInt64 = 0
    var isBusy = false
    /// The id of the message that it carries; nil if the caller has dropped that message.
    var id: Int?
    var isSent = false
    var isReturned = false
    /// What has to be known before the message is sent.
    var inquiry: Inquiry?

    /// Ends the message that the channel carries, and returns its id.
    mutating func end() -> Int? {
      defer {
        isBusy = false
        id = nil
        inquiry = nil
      }
      return id
    }
  }

  private struct Sending {
    let channel: Int
    let body: any MessageBody
    var offset: UInt64 = 0
  }

  private var waiting: ArraySlice<Message> = []
  private var channels = [Channel](repeating: Channel(), count: Int(maxUnconfirmed))
  private var sending: Sending?
  /// The number of channels that may be used. The connection may allow fewer than `maxUnconfirmed`.
  var channelLimit = maxUnconfirmed

  var isAnyWaiting: Bool { !waiting.isEmpty }
  /// Whether the caller waits for any message that has been begun.
  var isAnyAwaited: Bool { channels.contains { $0.id != nil } }
  /// Whether something can be sent now.
  var canAdvance: Bool {
    sending.map { $0.body.availableSize > $0.offset } ?? (isAnyWaiting && freeChannel != nil)
  }
  /// The id of the message that has been sent in part.
  var idInTransit: Int? { sending.flatMap { $0.offset > 0 ? channels[$0.channel].id : nil } }

  private var freeChannel: Int? { channels.prefix(Int(channelLimit)).firstIndex { !$0.isBusy } }

  mutating func add(_ message: Message) { waiting.append(message) }

  /// Forgets a message. A message that has been begun is still sent to its end.
  mutating func drop(_ id: Int) {
    waiting.removeAll { $0.id == id }
    for index in channels.indices where channels[index].id == id { channels[index].id = nil }
  }

  // MARK: Sending

  /// Sends the next piece of a body, or begins the next message. After an error the connection must be dropped.
  mutating func advance(on sink: some FrameSink) throws(BodyFailure) -> CopyPublisher.Event? {
    if let sending {
      try sendPiece(sending, on: sink)
      return nil
    }
    guard let index = freeChannel, let message = waiting.popFirst() else { return nil }
    do {
      try open(index, sink)
      if let owner = message.owner {
        try ask(about: owner, before: message, on: index, sink)
      } else {
        try begin(message, on: index, sink)
      }
      return nil
    } catch {
      return .failed(message.id, reason: "it does not fit a frame")
    }
  }

  private mutating func open(_ index: Int, _ sink: some FrameSink) throws(AMQPError) {
    guard !channels[index].isOpen else { return }
    let number = UInt16(index + 1)
    try sink.send(.channelOpen, on: number)
    try sink.send(.confirmSelect, on: number)
    channels[index] = Channel()
    channels[index].isOpen = true
  }

  private mutating func ask(
    about owner: WorkQueue, before message: Message, on index: Int, _ sink: some FrameSink
  ) throws(AMQPError) {
    let names = owner.names.dropFirst()
    for name in names {
      try sink.send(.queueDeclare(.init(name: ByteString(name), isPassive: true)), on: UInt16(index + 1))
    }
    channels[index].isBusy = true
    channels[index].isSent = false
    channels[index].id = message.id
    channels[index].inquiry = Inquiry(message: message, openCount: names.count)
  }

  private mutating func begin(_ message: Message, on index: Int, _ sink: some FrameSink) throws(AMQPError) {
    let number = UInt16(index + 1)
    try sink.send(
      .basicPublish(
        exchange: ByteString(message.destination.exchange), routingKey: ByteString(message.destination.routingKey),
        mandatory: !message.destination.isDirectReply),
      properties: message.properties, bodySize: message.body.size, on: number)
    channels[index].publishedCount += 1
    channels[index].isBusy = true
    channels[index].id = message.id
    channels[index].isReturned = false
    channels[index].isSent = message.body.size == 0
    if message.body.size > 0 { sending = Sending(channel: index, body: message.body) }
  }

  private mutating func sendPiece(_ piece: Sending, on sink: some FrameSink) throws(BodyFailure) {
    var piece = piece
    let count = min(UInt64(BrokerLink.bodyPieceSize), piece.body.availableSize - piece.offset)
    let bytes: [UInt8]
    do { bytes = try piece.body.read(at: piece.offset, atMost: Int(count)) } catch {
      let isChanged = (error as? SystemError)?.isOfChangedFile == true
      throw BodyFailure(
        reason: isChanged ? "the file with its body was changed" : "its body cannot be read: \(error)")
    }
    guard !bytes.isEmpty, bytes.count <= count else { throw BodyFailure(reason: "its body cannot be read whole") }
    sink.sendBody(bytes, on: UInt16(piece.channel + 1))
    piece.offset += UInt64(bytes.count)
    sending = piece.offset < piece.body.size ? piece : nil
    channels[piece.channel].isSent = sending == nil
  }

  // MARK: Outcomes

  /// Takes an event of the connection, and returns what it means for a message.
  mutating func handle(_ event: Connection.Event) -> CopyPublisher.Event? {
    if case .method(let number, .queueDeclareOK) = event { return foundQueue(number) }
    guard let (number, confirmation) = Confirmation.decode(event) else { return nil }
    switch confirmation {
    case .returned:
      if let index = index(number) { channels[index].isReturned = true }
      return nil
    case .accepted(let tag, let multiple): return settled(number, tag, multiple) { $0.isReturned ? .unroutable : nil }
    case .rejected(let tag, let multiple):
      return settled(number, tag, multiple) { $0.isReturned ? .unroutable : .rejected }
    case .channelClosed(let reason): return closed(number, reason)
    case .blocked(let reason): return .blocked(reason: reason)
    case .unblocked: return .unblocked
    }
  }

  private func index(_ number: UInt16) -> Int? {
    let index = Int(number) - 1
    return channels.indices.contains(index) ? index : nil
  }

  private mutating func settled(
    _ number: UInt16, _ tag: UInt64, _ isMultiple: Bool, refusal: (Channel) -> PublishRefusal?
  ) -> CopyPublisher.Event? {
    // A message that was not sent completely cannot be in a queue, whatever the peer says.
    guard let index = index(number), channels[index].isBusy, channels[index].isSent else { return nil }
    let last = channels[index].publishedCount
    guard isMultiple ? tag >= last : tag == last else { return nil }
    let refusal = refusal(channels[index])
    return channels[index].end().map { id in refusal.map { .refused(id, $0) } ?? .confirmed(id) }
  }

  /// One of the queues that were asked about is there.
  private mutating func foundQueue(_ number: UInt16) -> CopyPublisher.Event? {
    guard let index = index(number), var inquiry = channels[index].inquiry else { return nil }
    inquiry.openCount -= 1
    channels[index].inquiry = inquiry
    guard inquiry.openCount == 0 else { return nil }
    let purpose = WorkQueue(inquiry.message.destination.routingKey).purpose
    return channels[index].end().map { .refused($0, .reserved(purpose: purpose)) }
  }

  /// The broker ignores everything else on the channel, and the connection has confirmed the close. The channel can be
  /// opened again.
  private mutating func closed(_ number: UInt16, _ reason: CloseReason) -> CopyPublisher.Event? {
    guard let index = index(number) else { return nil }
    if sending?.channel == index { sending = nil }
    defer { channels[index] = Channel() }
    if var message = channels[index].inquiry?.message, [.notFound, .accessRefused].contains(reason.code) {
      // One of the queues is missing, or is not known to be there. A message that was dropped meanwhile has no id any more.
      message.owner = nil
      if channels[index].id != nil { waiting.insert(message, at: waiting.startIndex) }
      return nil
    }
    return channels[index].id.map { .refused($0, .closed(reason)) }
  }

  /// Fails the message that is being sent, because the rest of its body cannot be sent.
  mutating func failSending(_ reason: String) -> [CopyPublisher.Event] {
    guard let id = sending.flatMap({ channels[$0.channel].end() }) else { return [] }
    return [.failed(id, reason: reason)]
  }

  /// Fails all messages that have been begun, because the connection has ended.
  mutating func failBegun(_ reason: String) -> [CopyPublisher.Event] {
    defer {
      channels = channels.map { _ in Channel() }
      sending = nil
    }
    return channels.compactMap(\.id).sorted().map { .failed($0, reason: reason) }
  }

  /// Fails all messages, because no connection can be made.
  mutating func failAll(_ reason: String) -> [CopyPublisher.Event] {
    defer { waiting = [] }
    return failBegun(reason) + waiting.map { .failed($0.id, reason: reason) }
  }
}
