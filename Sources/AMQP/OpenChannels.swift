/// The channels that we have opened, and what a broker may send on each: no more than was asked for.
struct OpenChannels {
  private struct Channel {
    /// A consumer was wanted here. One that is cancelled may have messages on their way.
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

  /// Whoever ended it. What was asked before may still be answered.
  mutating func end(_ channel: UInt16) {
    if channels[channel] != nil { channels[channel] = Channel() }
  }

  /// - Throws: `AMQPError.protocolViolation` for a method that cannot come on the channel, or not now.
  mutating func check(_ method: Method, on channel: UInt16) throws {
    guard !method.isConnections else {
      guard channel == 0 else { throw Self.unexpected("a method of the connection", on: channel) }
      return
    }
    // Where both sides close a channel at once, the answer to ours comes after the end.
    if case .channelCloseOK = method, channel > 0 { return }
    guard let state = channels[channel] else { throw Self.unexpected("a method", on: channel, "which is not open") }
    switch method {
    case .basicDeliver(let envelope):
      guard state.hasHadConsumer, !envelope.consumerTag.isEmpty else {
        throw Self.unexpected("a message", on: channel, "which has no such consumer")
      }
    case .basicGetOK, .basicGetEmpty:
      guard state.unansweredGets > 0 else { throw Self.unexpected("an answer", on: channel, "where nothing was got") }
      channels[channel]?.unansweredGets -= 1
    default: break
    }
  }

  private static func unexpected(_ what: String, on channel: UInt16, _ why: String? = nil) -> AMQPError {
    .protocolViolation("\(what) on channel \(channel)" + (why.map { ", \($0)" } ?? ""))
  }
}

extension Method {
  /// Whether it is one of the class connection.
  fileprivate var isConnections: Bool {
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
