internal import AMQP
internal import Broker
internal import Linux

/// Sending items: as many at a time as the window allows, large ones in pieces.
extension PublishLoop {
  func send() {
    guard let link else { return }
    while fill(link) {
      link.flush()
      // Else the socket tells when it takes more.
      guard link.unsentByteCount == 0 else { return }
    }
    link.flush()
  }

  /// Queues what there is to be sent; false where that was all.
  func fill(_ link: BrokerLink) -> Bool {
    while link.unsentByteCount < Self.mostUnsent {
      if let piece = sending {
        guard sendPiece(piece, on: link) else { return false }
      } else if let item = publication.nextToSend() {
        begin(item, on: link)
      } else {
        return false
      }
    }
    return true
  }

  func begin(_ item: Item, on link: BrokerLink) {
    do {
      try sendHead(of: item, on: link)
    } catch let error as AMQPError {
      publication.unsendable(item, error)
      return
    } catch { preconditionFailure("\(error)") }
    if case .memory(let bytes) = item.body, bytes.count <= Self.pieceSize {
      link.sendBody(bytes, on: Self.channel)
    } else if item.body.size > 0 {
      sending = Sending(number: item.number, body: item.body, offset: 0)
    }
  }

  func sendHead(of item: Item, on link: BrokerLink) throws {
    let size = item.body.size
    guard item.properties == nil, let id = item.messageID else {
      var properties = item.properties ?? configuration.properties
      properties.messageID = item.messageID
      return try link.send(method, properties: properties, bodySize: size, on: Self.channel)
    }
    let template = try template ?? link.template(method, configuration.properties)
    self.template = template
    try link.send(template, messageID: id, bodySize: size, on: Self.channel)
  }

  func sendPiece(_ piece: Sending, on link: BrokerLink) -> Bool {
    var piece = piece
    let failure: String
    do {
      let bytes = try piece.body.read(at: piece.offset, atMost: Self.pieceSize)
      link.sendBody(bytes, on: Self.channel)
      piece.offset += UInt64(bytes.count)
      sending = piece.offset < piece.body.size ? piece : nil
      if !bytes.isEmpty { return true }
      failure = "it has become shorter"
    } catch {
      failure = SystemError.reason(of: error)
    }
    sending = nil
    publication.bodyFailed(
      piece.number, InputError(kind: .unreadable, reason: "item \(piece.number) cannot be read whole: \(failure)"))
    return false
  }
}
