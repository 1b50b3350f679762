internal import AMQP
internal import Broker

/// Lets slots share a channel, while each of them decides as if it had a channel of its own.
///
/// When a connection is lost, RabbitMQ gives an item of one of its channels to a consumer of another, which is lost in the
/// next moment, and counts that each time. All consumers of one channel are lost at once, so the item is counted once.
///
/// Up to RabbitMQ 4.2, an item that is held for too long costs its whole channel. So there only the slots of a batch share
/// one, which have one worker. Later versions end the one consumer, unless it is being cancelled at that very moment, and all
/// slots share a channel.
///
/// A shared channel has the number of its first slot's. The runner never closes it before its connection.
struct SharedChannels: Sendable {
  private let slotCount: Int
  private let batchSize: Int
  /// How many slots share a channel. The channels of 1 are not shared.
  private var groupSize: Int
  private var mayShare: Bool
  /// The slots whose channel counts as open, and is opened when it is needed. It is not known before the login who shares it.
  private var unopened: Set<UInt16> = []
  private var channels: [UInt16: SharedChannel] = [:]

  /// `batchSize` is 1 without batches.
  init(slotCount: Int, batchSize: Int, mayShare: Bool = true) {
    (self.slotCount, self.batchSize, self.mayShare) = (slotCount, batchSize, mayShare)
    groupSize = 1
    connectionBegins()
  }

  private func isSlot(_ channel: UInt16) -> Bool { (1...slotCount).contains(Int(channel)) }

  private func isShared(_ channel: UInt16) -> Bool { groupSize > 1 && isSlot(channel) }

  private func shared(by channel: UInt16) -> UInt16 { UInt16((Int(channel) - 1) / groupSize * groupSize + 1) }

  /// A new connection has no channels yet.
  mutating func connectionBegins() {
    (channels, unopened) = ([:], [])
    groupSize = mayShare ? batchSize : 1
  }

  /// The version is nil for a server that is not RabbitMQ. Returns what to send at once: a broker that does not allow so many
  /// channels says so then, before there are items on any of them.
  mutating func connected(to server: ServerVersion?) -> [ChannelMethod] {
    let endsConsumers = server.map { $0 >= ServerVersion(4, 3) } ?? false
    groupSize = !mayShare ? 1 : endsConsumers ? slotCount : batchSize
    guard groupSize == 1 else { return [] }
    defer { unopened = [] }
    return unopened.sorted().map { ChannelMethod(.channelOpen, on: $0) }
  }

  /// Each slot gets a channel of its own from the next connection on.
  mutating func stopSharing() { mayShare = false }

  /// What to send for a method that a slot, or the runner itself, sends on its channel.
  mutating func sending(_ method: ChannelMethod) -> [ChannelMethod] {
    guard isSlot(method.channel) else { return [method] }
    if method.method == .channelOpen {
      unopened.insert(method.channel)
      return []
    }
    let isFirst = unopened.remove(method.channel) != nil
    return (isFirst ? share(ChannelMethod(.channelOpen, on: method.channel)) : []) + share(method)
  }

  private mutating func share(_ method: ChannelMethod) -> [ChannelMethod] {
    guard isShared(method.channel) else { return [method] }
    let channel = shared(by: method.channel)
    let methods = channels[channel, default: SharedChannel()].sending(method.method, of: method.channel)
    return methods.map { ChannelMethod($0, on: channel) }
  }

  /// What a method that has come means to each of the channels that it concerns.
  mutating func received(_ method: Method, on channel: UInt16) -> [ChannelMethod] {
    guard isShared(channel) else { return [ChannelMethod(method, on: channel)] }
    return channels[channel, default: SharedChannel()].received(method)
  }

  // MARK: Messages

  /// The channel of the message whose body follows in parts; nil if nobody has asked for it.
  mutating func began(_ delivery: Delivery, on channel: UInt16) -> UInt16? {
    isShared(channel) ? channels[channel]?.began(delivery) : channel
  }

  /// The channel of the message whose body is coming.
  func receiver(on channel: UInt16) -> UInt16? { isShared(channel) ? channels[channel]?.receiver : channel }

  /// The channel of the message that has come; nil if nobody has asked for it.
  mutating func completed(_ delivery: Delivery, on channel: UInt16) -> UInt16? {
    isShared(channel) ? channels[channel]?.completed(delivery) : channel
  }
}

/// One channel, and the slots that share it, by the numbers of the channels that they count as theirs.
private struct SharedChannel: Sendable {
  /// What was asked. The broker answers in the order of the questions.
  private struct Question {
    let slot: UInt16
    /// The slot has closed its channel, for which a question stands in: its answer shows as well that the broker has carried out
    /// what came before.
    var isClose = false
  }

  /// A slot's consumer, by the tag that the slot gave it.
  private struct Consumer {
    let slot: UInt16
    let tag: ByteString
  }

  private var isOpen = false
  /// Those that have opened their channel, and have no answer yet to a close of it.
  private var slots: Set<UInt16> = []
  private var questions: [Question] = []
  /// By the tags that the broker knows.
  private var consumers: [ByteString: Consumer] = [:]
  private(set) var receiver: UInt16?

  private static func tag(_ tag: ByteString, of slot: UInt16) -> ByteString { ByteString("\(tag)-\(slot)") }

  mutating func sending(_ method: Method, of slot: UInt16) -> [Method] {
    if case .channelOpen = method {
      defer { isOpen = true }
      slots.insert(slot)
      return isOpen ? [] : [method]
    }
    // The broker has closed the channel, and this slot is about to hear of that.
    guard slots.contains(slot) else { return [] }
    switch method {
    case .channelClose:
      questions.append(Question(slot: slot, isClose: true))
      return [.basicQoS(prefetchCount: 1)]
    case .basicQoS, .queueDeclare, .basicGet:
      questions.append(Question(slot: slot))
      return [method]
    case .basicConsume(let queue, let tag, let arguments):
      let shared = Self.tag(tag, of: slot)
      consumers[shared] = Consumer(slot: slot, tag: tag)
      return [.basicConsume(queue: queue, consumerTag: shared, arguments: arguments)]
    case .basicCancel(let tag): return [.basicCancel(consumerTag: Self.tag(tag, of: slot))]
    default: return [method]
    }
  }

  mutating func received(_ method: Method) -> [ChannelMethod] {
    switch method {
    case .channelClose:
      defer { self = SharedChannel() }
      return slots.sorted().map { ChannelMethod(method, on: $0) }
    case .basicQoSOK, .queueDeclareOK, .basicGetEmpty:
      guard let question = takeQuestion() else { return [] }
      if question.isClose { slots.remove(question.slot) }
      return [ChannelMethod(question.isClose ? .channelCloseOK : method, on: question.slot)]
    case .basicConsumeOK(let tag): return Self.told(consumers[tag], Method.basicConsumeOK)
    case .basicCancelOK(let tag): return Self.told(consumers.removeValue(forKey: tag), Method.basicCancelOK)
    case .basicCancel(let tag): return Self.told(consumers.removeValue(forKey: tag), Method.basicCancel)
    default: return []
    }
  }

  private mutating func takeQuestion() -> Question? { questions.isEmpty ? nil : questions.removeFirst() }

  /// What its slot is told about a consumer; nothing if there is no such consumer.
  private static func told(_ consumer: Consumer?, _ method: (ByteString) -> Method) -> [ChannelMethod] {
    consumer.map { [ChannelMethod(method($0.tag), on: $0.slot)] } ?? []
  }

  mutating func began(_ delivery: Delivery) -> UInt16? {
    let tag = delivery.envelope.consumerTag
    receiver = tag.isEmpty ? takeQuestion()?.slot : consumers[tag]?.slot
    return receiver
  }

  mutating func completed(_ delivery: Delivery) -> UInt16? {
    defer { receiver = nil }
    return receiver ?? began(delivery)
  }
}
