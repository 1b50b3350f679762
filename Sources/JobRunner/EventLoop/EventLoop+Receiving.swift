internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// What the event loop does with what the broker sends.
extension EventLoop {
  func processLink(_ readiness: PollReadiness) {
    guard let link else { return }
    for event in link.process(readiness, now: .now) {
      // An earlier event may have ended the link.
      guard self.link === link else { return }
      switch event {
      case .connection(.opened):
        let server = ServerVersion(link.serverProperties)
        for open in channels.connected(to: server) { try? link.send(open.method, on: open.channel) }
        handle(.connected(server))
      case .connection(.method(let channel, let method)):
        receive(channels.received(method, on: channel))
      case .connection(.announced(let channel, let delivery)):
        withSlot(channels.began(delivery, on: channel)) { bodies.announce(delivery, slot: $0) }
      case .connection(.bodyPart(let channel, let size, let part)):
        withSlot(channels.receiver(on: channel)) { store(part, of: size, slot: $0) }
      case .connection(.delivered(let channel, let delivery)):
        withSlot(channels.completed(delivery, on: channel)) { take(delivery, slot: $0) }
      case .connection(.closed):
        self.link = nil
        handle(.connectionClosed)
      case .connection(.returned): break
      case .failed(let failure):
        self.link = nil
        bodies.discardIncoming()
        if failure.closeReason?.meansTooManyConsumers == true { stopSharing() }
        handle(.connectionFailed(failure))
      }
    }
  }

  private func receive(_ methods: [ChannelMethod]) {
    for method in methods {
      switch method.method {
      case .channelClose, .channelCloseOK: bodies.discardIncoming(slot: Int(method.channel) - 1)
      default: break
      }
    }
    guard let first = methods.first else { return }
    // Only the close of a channel concerns several slots.
    if methods.count > 1, case .channelClose(let reason) = first.method {
      handle(.sharedChannelClosed(reason, slots: methods.map { Int($0.channel) - 1 }))
    } else {
      handle(.method(first.method, channel: first.channel))
    }
  }

  private func stopSharing() {
    channels.stopSharing()
    log(
      LogEntry(
        .notice,
        "the broker takes fewer consumers on a channel than a runner has slots (consumer_max_per_channel): each gets a "
          + "channel of its own"))
  }

  /// Does something for the slot that has this channel. If there is none, the broker has sent what nobody has asked for.
  private func withSlot(_ channel: UInt16?, _ body: (Int) -> Void) {
    if let channel { return body(Int(channel) - 1) }
    violated("a message came for a consumer that is not there")
    handleFollowUps()
  }

  private func store(_ part: [UInt8], of size: UInt64, slot: Int) {
    guard let (message, reason) = bodies.append(part, of: size, slot: slot) else { return }
    guard !isTooLarge(size) else {
      return handle(.tooLarge(message.envelope, message.properties, slot: slot))
    }
    handle(.notStored(message.envelope, message.properties, reason: reason, slot: slot))
  }

  private func isTooLarge(_ size: UInt64) -> Bool { configuration.largestItem.map { size > $0 } ?? false }

  private func take(_ delivery: Delivery, slot: Int) {
    // The runner already knows about a body that could not be stored.
    guard let body = bodies.complete(delivery, slot: slot) else { return }
    do {
      try bodies.keep(body, slot: slot)
      guard !isTooLarge(delivery.bodySize) else {
        return handle(.tooLarge(delivery.envelope, delivery.properties, slot: slot))
      }
      if let reason = try configuration.feed.objection(to: body) {
        return handle(
          .unfit(
            delivery.envelope, delivery.properties, bodySize: delivery.bodySize, reason: reason, slot: slot))
      }
      let digest = runner.options.worker.onDisconnect == .finish ? try body.digest() : nil
      handle(
        .delivered(
          delivery.envelope, delivery.properties, bodySize: delivery.bodySize, digest: digest,
          receivedAt: ThisProcess.time, slot: slot))
    } catch {
      let reason = SystemError.reason(of: error)
      handle(.notStored(delivery.envelope, delivery.properties, reason: reason, slot: slot))
    }
  }
}
