internal import AMQP
internal import Console

/// The form of a message on its way: properties and headers, without a body.
extension ElectionMessage {
  private enum Kind {
    static let ask: ByteString = "amqp-job.ask"
    static let state: ByteString = "amqp-job.state"
    static let answer: ByteString = "amqp-job.answer"
  }

  private enum Header {
    static let candidate: ByteString = "candidate"
    static let number: ByteString = "number"
    static let name: ByteString = "name"
    static let epoch: ByteString = "epoch"
    static let wait: ByteString = "wait-ms"
    static let left: ByteString = "left-ms"
  }

  var properties: BasicProperties {
    var properties = BasicProperties()
    properties.deliveryMode = 2
    switch self {
    case .ask(let ask):
      properties.type = Kind.ask
      properties.replyTo = ask.replyTo
      properties.expiration = ByteString("\(ask.expiry.roundedUpMilliseconds)")
      properties.headers = Self.table(ask.id)
    case .state(let state):
      properties.type = Kind.state
      properties.headers = Self.table(state.id)
      properties.headers?.append(Header.name, .string(state.name))
      properties.headers?.append(Header.epoch, .int64(state.epoch))
      properties.headers?.append(Header.wait, .int64(state.wait.roundedUpMilliseconds))
    case .answer(let answer):
      properties.type = Kind.answer
      properties.headers = Self.table(answer.ask)
      properties.headers?.append(Header.left, .int64(answer.left.wholeMilliseconds))
      if let leader = answer.leader {
        properties.headers?.append(Header.name, .string(leader.name))
        properties.headers?.append(Header.epoch, .int64(leader.epoch))
      }
    }
    return properties
  }

  private static func table(_ id: ID) -> FieldTable {
    [Header.candidate: .string(id.candidate), Header.number: .int64(id.number)]
  }

  /// nil for a message that is none of these.
  init?(_ properties: BasicProperties) {
    guard let headers = properties.headers, let candidate = headers.string(Header.candidate),
      let number = headers[Header.number]?.integer
    else { return nil }
    let id = ID(candidate: candidate, number: number)
    switch properties.type {
    case Kind.ask:
      self = .ask(Ask(id: id, replyTo: properties.replyTo ?? "", expiry: .zero))
    case Kind.state:
      guard let leader = Self.leader(headers), let wait = headers.duration(Header.wait) else { return nil }
      self = .state(State(id: id, name: leader.name, epoch: leader.epoch, wait: wait))
    case Kind.answer:
      guard let left = headers.duration(Header.left) else { return nil }
      self = .answer(Answer(ask: id, replyTo: "", leader: Self.leader(headers), left: left))
    default: return nil
    }
  }

  private static let epochs: ClosedRange<Int64> = 1...Int64.max / 2

  private static func leader(_ headers: FieldTable) -> Leader? {
    guard let name = headers.string(Header.name), let epoch = headers[Header.epoch]?.integer, epochs.contains(epoch)
    else { return nil }
    return Leader(name: name, epoch: epoch)
  }
}

extension FieldTable {
  /// The longest time that is taken seriously is a day.
  fileprivate func duration(_ name: ByteString) -> Duration? {
    guard let milliseconds = self[name]?.integer, (0...86_400_000).contains(milliseconds) else { return nil }
    return .milliseconds(milliseconds)
  }
}

extension Duration {
  /// A wait must not become shorter by being written down.
  fileprivate var roundedUpMilliseconds: Int64 { (self + .microseconds(999)).wholeMilliseconds }
}
