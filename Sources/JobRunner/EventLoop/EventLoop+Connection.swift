internal import AMQP
internal import Broker
internal import Linux

/// What the event loop does with the connection on which items come.
extension EventLoop {
  func connect(_ opening: [ChannelMethod]) {
    runner.session.brokers = configuration.access.current()
    let broker = runner.broker
    channels.connectionBegins()
    link = BrokerLink(
      broker: broker, parameters(broker, opening: opening.flatMap { channels.sending($0) }),
      access: configuration.access, now: .now)
  }

  func parameters(_ broker: BrokerURL, opening: [ChannelMethod] = []) -> Connection.Parameters {
    var parameters = Connection.Parameters(
      url: broker, heartbeat: configuration.heartbeat, name: configuration.connectionName, initialMethods: opening)
    parameters.maxBodySizeInMemory = configuration.largestBodyInMemory
    return parameters
  }

  func disconnect() {
    if let link { closing.add(link, limit: .now + Self.closeLimit) }
    link = nil
    bodies.discardIncoming()
  }

  func send(_ methods: [ChannelMethod]) {
    for method in methods.flatMap({ channels.sending($0) }) {
      do {
        try link?.send(method.method, on: method.channel)
      } catch {
        violated("a frame of it does not take \(method.method)")
      }
    }
  }

  /// The broker has broken the protocol, so the connection is given up.
  func violated(_ what: String) {
    guard let broker = link?.broker else { return }
    disconnect()
    followUps.append(.connectionFailed(BrokerFailure(.lost, broker: broker, detail: what)))
  }

  func closeConnections() {
    disconnect()
    copies.close()
    stage = .closing
  }
}
