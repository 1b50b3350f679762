internal import AMQP
internal import Linux
internal import TLS

/// Fails: turns an error into the last event of the link, with a hint at its cause if there is one.
extension BrokerLink {
  func fail(_ error: LinkError) -> Event {
    switch error {
    case .system(let error): return fail(isOpen ? .lost : .unreachable, error.reason)
    case .conversation(let error):
      // The answer to the broker's close is sent before the socket is closed.
      endSession()
      flush()
      return fail(BrokerFailure(error, broker: broker, wasOpen: isOpen))
    case .tls(let error):
      // This sends the TLS alert that tells the peer the reason.
      flush()
      if case .untrusted = error { return fail(.untrusted, error.description) }
      return fail(isOpen ? .lost : .unreachable, error.description)
    }
  }

  func fail(_ kind: BrokerFailure.Kind, _ detail: String) -> Event {
    let silence = Silence(duration: activity.latestTurn - activity.lastHeard, heartbeat: connection.heartbeat)
    return fail(BrokerFailure(kind, broker: broker, detail: detail + (kind == .lost ? silence.hint : "")))
  }

  /// The failure to report for a broker that has not completed the login yet.
  package var unanswered: BrokerFailure {
    explained(BrokerFailure(.unreachable, broker: broker, detail: "it does not answer"))
  }

  func explained(_ failure: BrokerFailure) -> BrokerFailure {
    guard failure.kind == .unreachable, let size = connection.unansweredLoginSize else { return failure }
    var failure = failure
    failure.detail += LargeLogin(size: size, server: ServerVersion(connection.serverProperties)).hint
    return failure
  }

  func fail(_ failure: BrokerFailure) -> Event {
    var failure = explained(failure)
    if let path = credentials.access?.token?.path {
      failure = failure.explained(
        token: AccessToken(credentials.password), path: path, isRenewed: tokens?.isUnderWay == true,
        time: ThisProcess.timeOfDay)
    }
    state = .failed(failure)
    return .failed(failure)
  }
}
