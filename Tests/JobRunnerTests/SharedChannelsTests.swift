import AMQP
import Broker
import Testing

@testable import JobRunner

@Suite("The channel that slots share") struct SharedChannelsTests {
  /// The slots with the channels 1 to 3 share channel 1, and 4 to 6 share channel 4.
  private static let shared = SharedChannels(slotCount: 6, batchSize: 3)

  private static let timedOut = Method.channelClose(CloseReason(code: .preconditionFailed, text: "timed out"))

  private static func consume(_ tag: ByteString) -> AMQP.Method {
    .basicConsume(queue: "q", consumerTag: tag, arguments: FieldTable())
  }

  private static let question = Method.basicQoS(prefetchCount: 1)

  /// What is sent when a slot opens its channel, and then uses it.
  private static func opened(_ channel: UInt16, by channels: inout SharedChannels) -> [ChannelMethod] {
    channels.sending(ChannelMethod(.channelOpen, on: channel)) + channels.sending(ChannelMethod(question, on: channel))
  }

  private static func delivery(_ tag: ByteString) -> Delivery {
    let envelope = Envelope(consumerTag: tag, deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    return Delivery(envelope: envelope, properties: BasicProperties(), body: [])
  }

  /// The channel of each slot is open, and a consumer is attached on it.
  private func attached() -> SharedChannels {
    var channels = Self.shared
    for channel: UInt16 in 1...6 {
      for method in [.channelOpen, Self.consume("a")] { _ = channels.sending(ChannelMethod(method, on: channel)) }
    }
    return channels
  }

  @Test("The channel is opened once, when it is used first") func opening() {
    var channels = Self.shared
    let opens = (1...6).flatMap { channels.sending(ChannelMethod(.channelOpen, on: $0)) }
    #expect(opens.isEmpty)
    let sent = (1...6).flatMap { channels.sending(ChannelMethod(Self.question, on: $0)) }
    let (open, question) = (AMQP.Method.channelOpen, Self.question)
    #expect(
      sent
        == [
          (open, 1), (question, 1), (question, 1), (question, 1), (open, 4), (question, 4), (question, 4),
          (question, 4),
        ]
        .map { ChannelMethod($0.0, on: $0.1) })
  }

  @Test(
    "From RabbitMQ 4.3 on, all slots share a channel, and before that only those of a batch",
    arguments: [
      (ServerVersion(4, 3), 3, 1), (ServerVersion(4, 2), 3, 4), (nil, 3, 4), (ServerVersion(4, 3), 1, 1),
      (ServerVersion(4, 2), 1, 5),
    ])
  func versions(server: ServerVersion?, batchSize: Int, channel: UInt16) {
    var channels = SharedChannels(slotCount: 6, batchSize: batchSize)
    channels.connectionBegins()
    // The login comes before the version is known.
    _ = channels.sending(ChannelMethod(.channelOpen, on: 5))
    let opens = channels.connected(to: server)
    #expect(
      opens + channels.sending(ChannelMethod(Self.question, on: 5))
        == [ChannelMethod(.channelOpen, on: channel), ChannelMethod(Self.question, on: channel)])
  }

  @Test("Where that is not wanted, nobody shares a channel") func notWanted() {
    var channels = SharedChannels(slotCount: 6, batchSize: 3, mayShare: false)
    for server in [nil, ServerVersion(4, 3)] {
      channels.connectionBegins()
      _ = channels.connected(to: server)
      #expect(
        Self.opened(2, by: &channels) == [ChannelMethod(.channelOpen, on: 2), ChannelMethod(Self.question, on: 2)])
    }
  }

  @Test("The channels of single items are not shared") func unsharedSlots() {
    var channels = SharedChannels(slotCount: 6, batchSize: 1)
    #expect(
      Self.opened(2, by: &channels) == [ChannelMethod(.channelOpen, on: 2), ChannelMethod(Self.question, on: 2)])
    #expect(channels.received(Self.timedOut, on: 2) == [ChannelMethod(Self.timedOut, on: 2)])
    #expect(channels.began(Self.delivery("a"), on: 2) == 2 && channels.receiver(on: 2) == 2)
    #expect(channels.completed(Self.delivery("a"), on: 2) == 2)
  }

  @Test("The channels behind the slots' are not shared") func otherChannels() {
    var channels = Self.shared
    let open = ChannelMethod(.channelOpen, on: 7)
    #expect(channels.sending(open) == [open])
    #expect(channels.received(Self.timedOut, on: 7) == [ChannelMethod(Self.timedOut, on: 7)])
    #expect(channels.completed(Self.delivery("a"), on: 7) == 7)
  }

  @Test("Each consumer has a tag of its own, and an item goes to the slot of its consumer") func consumers() {
    var channels = attached()
    let sent = channels.sending(ChannelMethod(Self.consume("b"), on: 2))
    #expect(sent == [ChannelMethod(Self.consume("b-2"), on: 1)])
    #expect(
      channels.received(.basicConsumeOK(consumerTag: "b-2"), on: 1)
        == [ChannelMethod(.basicConsumeOK(consumerTag: "b"), on: 2)])
    #expect(channels.completed(Self.delivery("a-3"), on: 1) == 3)
    #expect(channels.began(Self.delivery("a-1"), on: 1) == 1 && channels.receiver(on: 1) == 1)
    #expect(channels.completed(Self.delivery("a-1"), on: 1) == 1 && channels.receiver(on: 1) == nil)
    #expect(channels.completed(Self.delivery("a-5"), on: 4) == 5)
    #expect(channels.completed(Self.delivery("a-5"), on: 1) == nil)
  }

  @Test(
    "A cancel concerns its own slot, and no items come to the consumer after it",
    arguments: [
      (Method.basicCancelOK(consumerTag: "a-2"), Method.basicCancelOK(consumerTag: "a")),
      (.basicCancel(consumerTag: "a-2"), .basicCancel(consumerTag: "a")),
    ])
  func cancels(received: AMQP.Method, meant: AMQP.Method) {
    var channels = attached()
    #expect(
      channels.sending(ChannelMethod(.basicCancel(consumerTag: "a"), on: 2))
        == [ChannelMethod(.basicCancel(consumerTag: "a-2"), on: 1)])
    #expect(channels.completed(Self.delivery("a-2"), on: 1) == 2)
    #expect(channels.received(received, on: 1) == [ChannelMethod(meant, on: 2)])
    #expect(channels.completed(Self.delivery("a-2"), on: 1) == nil)
    #expect(channels.received(received, on: 1).isEmpty)
  }

  @Test("Answers go to those who asked, in the order of the questions") func questions() {
    var channels = attached()
    let status = Method.queueDeclareOK(.init(name: "q", messageCount: 0, consumerCount: 1))
    let questions: [(AMQP.Method, UInt16)] = [
      (.basicQoS(prefetchCount: 1), 3), (.queueDeclare(.init(name: "q", isPassive: true)), 1),
      (.basicGet(queue: "q"), 2), (.basicQoS(prefetchCount: 1), 5), (.basicGet(queue: "q"), 3),
      (.basicQoS(prefetchCount: 1), 1),
    ]
    for (method, channel) in questions {
      #expect(
        channels.sending(ChannelMethod(method, on: channel)) == [ChannelMethod(method, on: channel < 4 ? 1 : 4)])
    }
    #expect(channels.received(.basicQoSOK, on: 1) == [ChannelMethod(.basicQoSOK, on: 3)])
    #expect(channels.received(status, on: 1) == [ChannelMethod(status, on: 1)])
    #expect(channels.completed(Self.delivery(""), on: 1) == 2)
    #expect(channels.received(.basicGetEmpty, on: 1) == [ChannelMethod(.basicGetEmpty, on: 3)])
    #expect(channels.received(.basicQoSOK, on: 1) == [ChannelMethod(.basicQoSOK, on: 1)])
    #expect(channels.received(.basicQoSOK, on: 1).isEmpty)
    #expect(channels.received(.basicQoSOK, on: 4) == [ChannelMethod(.basicQoSOK, on: 5)])
  }

  @Test("A large message from basic.get is that of who asked, until its end") func largeMessage() {
    var channels = attached()
    for channel: UInt16 in [2, 3] { _ = channels.sending(ChannelMethod(.basicGet(queue: "q"), on: channel)) }
    for channel: UInt16 in [2, 3] {
      #expect(channels.began(Self.delivery(""), on: 1) == channel && channels.receiver(on: 1) == channel)
      #expect(channels.completed(Self.delivery(""), on: 1) == channel)
    }
  }

  @Test("A slot that closes its channel leaves it to the others, and hears that all before was taken") func closing() {
    var channels = attached()
    let ack = Method.basicAck(deliveryTag: 7, multiple: false)
    #expect(channels.sending(ChannelMethod(ack, on: 2)) == [ChannelMethod(ack, on: 1)])
    let close = Method.channelClose(CloseReason(code: .success, text: "done"))
    #expect(channels.sending(ChannelMethod(close, on: 2)) == [ChannelMethod(Self.question, on: 1)])
    #expect(channels.received(.basicQoSOK, on: 1) == [ChannelMethod(.channelCloseOK, on: 2)])
    #expect(channels.received(Self.timedOut, on: 1).map(\.channel) == [1, 3])
  }

  @Test("The channel is open although no slot needs it any more") func reopening() {
    var channels = attached()
    for channel: UInt16 in 1...3 {
      _ = channels.sending(ChannelMethod(.channelClose(CloseReason(code: .success, text: "done")), on: channel))
      #expect(channels.received(.basicQoSOK, on: 1) == [ChannelMethod(.channelCloseOK, on: channel)])
    }
    #expect(Self.opened(2, by: &channels) == [ChannelMethod(Self.question, on: 1)])
    #expect(channels.received(Self.timedOut, on: 1).map(\.channel) == [2])
  }

  @Test("A slot whose close is not answered yet hears that the broker has closed the channel") func closedMeanwhile() {
    var channels = attached()
    _ = channels.sending(ChannelMethod(.channelClose(CloseReason(code: .success, text: "done")), on: 2))
    #expect(channels.received(Self.timedOut, on: 1).map(\.channel) == [1, 2, 3])
  }

  @Test("When the broker closes the channel, that is over which was asked, and the channel can be opened again")
  func closedByTheBroker() {
    var channels = attached()
    _ = channels.sending(ChannelMethod(.basicQoS(prefetchCount: 1), on: 2))
    #expect(channels.received(Self.timedOut, on: 1) == [1, 2, 3].map { ChannelMethod(Self.timedOut, on: $0) })
    #expect(channels.received(.basicQoSOK, on: 1).isEmpty && channels.completed(Self.delivery("a-1"), on: 1) == nil)
    let question = ChannelMethod(Self.question, on: 1)
    #expect(Self.opened(3, by: &channels) == [ChannelMethod(.channelOpen, on: 1), question])
    #expect(Self.opened(1, by: &channels) == [question])
  }

  @Test("A new connection has no channels") func newConnection() {
    var channels = attached()
    channels.connectionBegins()
    #expect(
      Self.opened(2, by: &channels) == [ChannelMethod(.channelOpen, on: 1), ChannelMethod(Self.question, on: 1)])
  }

  @Test("A slot that has not heard yet that its channel is closed sends nothing") func notYetTold() {
    var channels = attached()
    _ = channels.received(Self.timedOut, on: 1)
    for method in [Self.consume("b"), .basicCancel(consumerTag: "a"), .basicAck(deliveryTag: 1, multiple: false)] {
      #expect(channels.sending(ChannelMethod(method, on: 2)).isEmpty)
    }
    #expect(Self.opened(1, by: &channels).first == ChannelMethod(.channelOpen, on: 1))
    #expect(channels.sending(ChannelMethod(Self.consume("b"), on: 2)).isEmpty)
    #expect(channels.received(.basicConsumeOK(consumerTag: "b-2"), on: 1).isEmpty)
  }

  @Test("After the end of the sharing, each slot has a channel of its own") func stopSharing() {
    var channels = attached()
    channels.stopSharing()
    channels.connectionBegins()
    _ = channels.connected(to: ServerVersion(4, 3))
    #expect(
      Self.opened(2, by: &channels) == [ChannelMethod(.channelOpen, on: 2), ChannelMethod(Self.question, on: 2)])
  }
}
