package import Linux

/// One end of the connection between a runner and a step.
package final class StepConnection {
  /// What has arrived.
  package enum Arrival {
    case message(StepMessage, [Descriptor])
    /// A packet that is no message of this protocol.
    case unknown
    /// The other end is closed.
    case ended
    case nothing
  }

  private let socket: PacketSocket

  package init(_ socket: PacketSocket) { self.socket = socket }

  /// Ends the connection, although the guardian has its socket open, too.
  func shutDown() { socket.shutDown() }

  /// Connects to a step, at once or not at all. See `PacketSocket` for the errors.
  package convenience init(path: String) throws(SystemError) {
    self.init(try PacketSocket(connectingTo: path, maxPacketSize: StepMessage.maxSize))
  }

  package var interest: PollInterest { socket.interest }

  /// Returns false if the other side is gone, or has left so many messages unread that no more fit.
  package func send(_ message: StepMessage, passing descriptors: [Descriptor] = []) -> Bool {
    do {
      try socket.send(message.bytes, passing: descriptors)
      return true
    } catch { return false }
  }

  package func receive() -> Arrival {
    do {
      switch try socket.receive() {
      case .packet(let bytes, let descriptors):
        return StepMessage(bytes).map { .message($0, descriptors) } ?? .unknown
      case .ended: return .ended
      case .nothing: return .nothing
      }
    } catch { return .unknown }
  }
}
