/// The channels that the client has opened. A broker may send only what was asked for on each of them.
struct OpenChannels {
  private struct Channel {
    /// Whether `basic.consume` was sent. It stays true after a cancel, since deliveries may still be on their way.
    var hasHadConsumer = false
    var unansweredGets = 0
  }

  private var channels: [UInt16: Channel] = [:]

  mutating func note(sent method: Method, on channel: UInt16) {
    switch method {
    case .channelOpen: channels[channel] = Channel()
    case .basicConsume: channels[channel]?.hasHadConsumer = true
    case .basicGet: channels[channel]?.unansweredGets += 1
    default: break
    }
  }

  /// Forgets the consumers and gets of a channel that was closed. The channel stays known, since methods that were sent
  /// before the close may still be answered.
  mutating func end(_ channel: UInt16) {
    if channels[channel] != nil { channels[channel] = Channel() }
  }

  /// Throws `AMQPError.protocolViolation` for a method that the broker may not send on this channel at this time.
  mutating func check(_ method: Method, on channel: UInt16) throws(AMQPError) {
    guard !method.isOfConnectionClass else {
      guard channel == 0 else { throw Self.unexpected("a method of the connection", on: channel) }
      return
    }
    // If both sides close a channel at once, the close-ok for ours arrives after the channel has ended.
    if case .channelCloseOK = method, channel > 0 { return }
    guard let state = channels[channel] else { throw Self.unexpected("a method", on: channel, "which is not open") }
    switch method {
    case .basicDeliver(let envelope):
      guard state.hasHadConsumer, !envelope.consumerTag.isEmpty else {
        throw Self.unexpected("a message", on: channel, "which has no such consumer")
      }
    case .basicGetOK, .basicGetEmpty:
      guard state.unansweredGets > 0 else {
        throw Self.unexpected("an answer to basic.get", on: channel, "where none was sent")
      }
      channels[channel]?.unansweredGets -= 1
    default: break
    }
  }

  private static func unexpected(_ what: String, on channel: UInt16, _ why: String? = nil) -> AMQPError {
    .protocolViolation("it sent \(what) on channel \(channel)" + (why.map { ", \($0)" } ?? ""))
  }
}

extension Method {
  fileprivate var isOfConnectionClass: Bool {
    switch self {
    case .connectionStart, .connectionStartOK, .connectionTune, .connectionTuneOK, .connectionOpen, .connectionOpenOK,
      .connectionClose, .connectionCloseOK, .connectionBlocked, .connectionUnblocked, .connectionUpdateSecret,
      .connectionUpdateSecretOK:
      true
    case .other(let id): id >> 16 == 10
    default: false
    }
  }
}
