internal import AMQP
internal import Linux
internal import TLS

/// Failing: an error becomes the last event of the link, with a hint at its cause where there is one.
extension BrokerLink {
  func fail(_ error: any Error) -> Event {
    switch error {
    case let error as SystemError:
      return fail(isOpen ? .lost : .unreachable, error.reason)
    case let error as AMQPError:
      // The answer to the broker's close goes out before the socket is closed.
      endSession()
      flush()
      return fail(BrokerFailure(error, broker: broker, wasOpen: isOpen))
    case let error as TLSError:
      // The alert that tells the peer why.
      flush()
      if case .untrusted = error { return fail(.untrusted, error.description) }
      return fail(isOpen ? .lost : .unreachable, error.description)
    default:
      return fail(isOpen ? .lost : .unreachable, "\(error)")
    }
  }

  func fail(_ kind: BrokerFailure.Kind, _ detail: String) -> Event {
    let silence = Silence(duration: latestTurn - lastHeard, heartbeat: connection.heartbeat)
    return fail(BrokerFailure(kind, broker: broker, detail: detail + (kind == .lost ? silence.hint : "")))
  }

  /// What there is to say of a broker that has not let us in until now.
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
    if let path = access?.token?.path {
      failure = failure.explained(
        token: AccessToken(password), path: path, isRenewed: tokens?.isUnderWay == true, time: ThisProcess.timeOfDay)
    }
    state = .failed(failure)
    return .failed(failure)
  }
}
