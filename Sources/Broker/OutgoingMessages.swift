internal import AMQP

/// What takes the frames of messages.
protocol FrameSink: AnyObject {
  func send(_ method: Method, on channel: UInt16) throws
  func send(_ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16) throws
  func sendBody(_ part: [UInt8], on channel: UInt16)
}

extension BrokerLink: FrameSink {}

/// Messages on their way into queues over one connection, without any I/O: which channel each takes, what is to be sent
/// next, and what became of each.
///
/// A channel carries one message at a time, from its first frame to the broker's confirmation. A return says which
/// message it is about only by what was published, its id, which may be missing or be another's too; and a close of
/// the channel leaves open what became of everything on it. So both concern one message here. Nor is speed lost:
/// several channels have their messages confirmed side by side, and opening one is no round trip.
struct OutgoingMessages {
  /// The most messages whose confirmation is awaited at a time, and so the most channels.
  static let mostUnconfirmed: UInt16 = 8
  /// How much of a body is read at once.
  static let pieceSize = 65_536

  struct Message {
    let id: Int
    let properties: BasicProperties
    let body: any BodySource
    let queue: String
  }

  /// A body that cannot be read: its message has been begun, and cannot be taken back.
  struct BodyFailure: Error {
    let reason: String
  }

  private struct Channel {
    var isOpen = false
    /// Messages since it was opened: the delivery tag of the last one.
    var publishedCount: UInt64 = 0
    var isBusy = false
    /// Of the message that it is busy with; nil where nobody wants to know any more.
    var id: Int?
    var isSent = false
    var isReturned = false

    /// Whose message it is busy with, which has come to its end.
    mutating func end() -> Int? {
      defer {
        isBusy = false
        id = nil
      }
      return id
    }
  }

  private struct Sending {
    let channel: Int
    let body: any BodySource
    var offset: UInt64 = 0
  }

  private var waiting: ArraySlice<Message> = []
  private var channels = [Channel](repeating: Channel(), count: Int(mostUnconfirmed))
  private var sending: Sending?
  /// The connection may allow fewer.
  var channelLimit = mostUnconfirmed

  var isAnyWaiting: Bool { !waiting.isEmpty }
  /// Whether anything that has been begun is of interest to somebody.
  var isAnyAwaited: Bool { channels.contains { $0.id != nil } }
  /// Whether there is something to send now.
  var canAdvance: Bool {
    sending.map { $0.body.availableSize > $0.offset } ?? (isAnyWaiting && freeChannel != nil)
  }
  /// The message of which a part has been sent, and a part has not.
  var idInTransit: Int? { sending.flatMap { $0.offset > 0 ? channels[$0.channel].id : nil } }

  private var freeChannel: Int? { channels.prefix(Int(channelLimit)).firstIndex { !$0.isBusy } }

  mutating func add(_ message: Message) { waiting.append(message) }

  /// Nobody wants to know any more what becomes of the message. One that has been begun goes on.
  mutating func drop(_ id: Int) {
    waiting.removeAll { $0.id == id }
    for index in channels.indices where channels[index].id == id { channels[index].id = nil }
  }

  // MARK: Sending

  /// Sends the next piece of a body, or begins the next message.
  /// - Throws: `BodyFailure`; then the connection is of no more use.
  mutating func advance(on sink: some FrameSink) throws(BodyFailure) -> ConfirmedPublisher.Event? {
    if let sending {
      try sendPiece(sending, on: sink)
      return nil
    }
    guard let index = freeChannel, let message = waiting.popFirst() else { return nil }
    do {
      try begin(message, on: index, sink)
      return nil
    } catch {
      return .failed(message.id, reason: "it does not fit a frame")
    }
  }

  private mutating func begin(_ message: Message, on index: Int, _ sink: some FrameSink) throws {
    let number = UInt16(index + 1)
    if !channels[index].isOpen {
      try sink.send(.channelOpen, on: number)
      try sink.send(.confirmSelect, on: number)
      channels[index] = Channel()
      channels[index].isOpen = true
    }
    try sink.send(
      .basicPublish(exchange: "", routingKey: ByteString(message.queue), mandatory: true),
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
    let count = min(UInt64(Self.pieceSize), piece.body.availableSize - piece.offset)
    let bytes: [UInt8]
    do { bytes = try piece.body.read(at: piece.offset, atMost: Int(count)) } catch {
      throw BodyFailure(reason: "its body cannot be read: \(error)")
    }
    guard !bytes.isEmpty, bytes.count <= count else { throw BodyFailure(reason: "its body cannot be read whole") }
    sink.sendBody(bytes, on: UInt16(piece.channel + 1))
    piece.offset += UInt64(bytes.count)
    sending = piece.offset < piece.body.size ? piece : nil
    channels[piece.channel].isSent = sending == nil
  }

  // MARK: Outcomes

  /// What an event of the connection says of the messages.
  mutating func handle(_ event: Connection.Event) -> ConfirmedPublisher.Event? {
    switch event {
    case .returned(let number, _):
      if let index = index(number) { channels[index].isReturned = true }
    case .method(let number, .basicAck(let tag, let multiple)):
      return settled(number, tag, multiple) { $0.isReturned ? "there is no such queue" : nil }
    case .method(let number, .basicNack(let tag, let multiple, _)):
      return settled(number, tag, multiple) { $0.isReturned ? "there is no such queue" : "the broker rejected it" }
    case .method(let number, .channelClose(let reason)):
      return closed(number, reason)
    case .method(_, .connectionBlocked(let reason)): return .blocked(reason: reason)
    case .method(_, .connectionUnblocked): return .unblocked
    default: break
    }
    return nil
  }

  private func index(_ number: UInt16) -> Int? {
    let index = Int(number) - 1
    return channels.indices.contains(index) ? index : nil
  }

  private mutating func settled(
    _ number: UInt16, _ tag: UInt64, _ isMultiple: Bool, refusal: (Channel) -> String?
  ) -> ConfirmedPublisher.Event? {
    // What was not sent whole cannot be in a queue, whatever a peer says.
    guard let index = index(number), channels[index].isBusy, channels[index].isSent else { return nil }
    let last = channels[index].publishedCount
    guard isMultiple ? tag >= last : tag == last else { return nil }
    let refusal = refusal(channels[index])
    return channels[index].end().map { id in refusal.map { .failed(id, reason: $0) } ?? .confirmed(id) }
  }

  /// The broker ignores what is still under way on the channel, and the connection has answered: it can be opened anew.
  private mutating func closed(_ number: UInt16, _ reason: CloseReason) -> ConfirmedPublisher.Event? {
    guard let index = index(number) else { return nil }
    if sending?.channel == index { sending = nil }
    defer { channels[index] = Channel() }
    return channels[index].id.map { .failed($0, reason: reason.text) }
  }

  /// The message that is being sent cannot be sent whole.
  mutating func failSending(_ reason: String) -> [ConfirmedPublisher.Event] {
    guard let id = sending.flatMap({ channels[$0.channel].end() }) else { return [] }
    return [.failed(id, reason: reason)]
  }

  /// The connection has ended: nothing is known of what has been begun.
  mutating func failBegun(_ reason: String) -> [ConfirmedPublisher.Event] {
    defer {
      channels = channels.map { _ in Channel() }
      sending = nil
    }
    return channels.compactMap(\.id).sorted().map { .failed($0, reason: reason) }
  }

  /// There is no connection to be had: what waits fails too.
  mutating func failAll(_ reason: String) -> [ConfirmedPublisher.Event] {
    defer { waiting = [] }
    return failBegun(reason) + waiting.map { .failed($0.id, reason: reason) }
  }
}
