internal import AMQP

/// Lets the slots of a batch share one channel, while each of them decides as if it had a channel of its own.
///
/// When a connection is lost, RabbitMQ gives an item of one of its channels to a consumer of another, which is lost in the
/// next moment, and counts that each time. All consumers of one channel are lost at once, so the item is counted once.
///
/// A shared channel has the number of its first slot's. It is closed with its connection.
struct SharedChannels: Sendable {
  private let slotCount: Int
  private let groupSize: Int
  private var channels: [UInt16: SharedChannel] = [:]

  /// `groupSize` is the number of slots that share a channel; the channels of 1 are not shared.
  init(slotCount: Int, groupSize: Int) { (self.slotCount, self.groupSize) = (slotCount, groupSize) }

  private func isShared(_ channel: UInt16) -> Bool { groupSize > 1 && (1...slotCount).contains(Int(channel)) }

  private func shared(by channel: UInt16) -> UInt16 { UInt16((Int(channel) - 1) / groupSize * groupSize + 1) }

  /// With a connection all its channels are gone.
  mutating func connectionEnded() { channels = [:] }

  /// What to send for a method that a slot, or the runner itself, sends on its channel.
  mutating func sending(_ method: ChannelMethod) -> [ChannelMethod] {
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
    /// The slot has closed its channel. The answer shows, as that to a close, that everything before it was taken.
    var isClose = false
  }

  private var isOpen = false
  /// Those that have not closed their channel.
  private var slots: Set<UInt16> = []
  private var questions: [Question] = []
  /// By the tags that the broker knows.
  private var consumers: [ByteString: (slot: UInt16, tag: ByteString)] = [:]
  private(set) var receiver: UInt16?

  private static func tag(_ tag: ByteString, of slot: UInt16) -> ByteString { ByteString("\(tag)-\(slot)") }

  mutating func sending(_ method: Method, of slot: UInt16) -> [Method] {
    switch method {
    case .channelOpen:
      defer { isOpen = true }
      slots.insert(slot)
      return isOpen ? [] : [method]
    case .channelClose:
      questions.append(Question(slot: slot, isClose: true))
      return [.basicQoS(prefetchCount: 1)]
    case .basicQoS, .queueDeclare, .basicGet:
      questions.append(Question(slot: slot))
      return [method]
    case .basicConsume(let queue, let tag, let arguments):
      let shared = Self.tag(tag, of: slot)
      consumers[shared] = (slot, tag)
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
    case .basicConsumeOK(let tag):
      return consumers[tag].map { [ChannelMethod(.basicConsumeOK(consumerTag: $0.tag), on: $0.slot)] } ?? []
    case .basicCancelOK(let tag):
      return takeConsumer(tag).map { [ChannelMethod(.basicCancelOK(consumerTag: $0.tag), on: $0.slot)] } ?? []
    case .basicCancel(let tag):
      return takeConsumer(tag).map { [ChannelMethod(.basicCancel(consumerTag: $0.tag), on: $0.slot)] } ?? []
    default: return []
    }
  }

  private mutating func takeQuestion() -> Question? { questions.isEmpty ? nil : questions.removeFirst() }

  private mutating func takeConsumer(_ tag: ByteString) -> (slot: UInt16, tag: ByteString)? {
    consumers.removeValue(forKey: tag)
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
