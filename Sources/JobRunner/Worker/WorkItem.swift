public import AMQP

/// One message as a unit of work.
public struct WorkItem: Hashable, Sendable {
  public var delivery: Delivery
  public var queue: String

  public init(delivery: Delivery, queue: String) {
    self.delivery = delivery
    self.queue = queue
  }

  /// How often the broker counts that the item came back; nil for a queue that does not count.
  private var deliveryCount: Int? { count(in: "x-delivery-count") }

  /// A header that counts. Anybody can write headers, so it may hold anything.
  private func count(in header: ByteString) -> Int? {
    delivery.properties.headers?[header]?.integer.map { Int(min(max(0, $0), Int64(Int32.max))) }
  }

  /// Which attempt at the item this is, 1 the first. Quorum queues count the returns. Classic queues
  /// only remember that there was one: then it is the second at least.
  public var attempt: Int {
    let before = count(in: Self.attemptsHeader) ?? 0
    return before + (deliveryCount ?? (delivery.envelope.isRedelivered ? 1 : 0)) + 1
  }

  /// The message's own id, where it has one.
  public var id: String? { delivery.properties.messageID?.description }

  // MARK: Copies

  /// How many attempts a copied item has behind it.
  private static let attemptsHeader: ByteString = "x-amqp-job-attempts"

  /// A broker's limit may drop an item that comes back too often, silently (RabbitMQ 4.x, the 21st
  /// time). One that came back so often is put back as a copy, of which nothing has been counted.
  public static let copiedFrom = 10

  /// Whether the item goes back as a copy, and needs its body until then.
  public var goesBackAsCopy: Bool { deliveryCount.map { $0 >= Self.copiedFrom } ?? false }

  /// The item as a new message, without what the broker added and what would send it elsewhere too.
  /// `counts` says whether this attempt is one of the item's.
  public func copy(counts: Bool) -> Message {
    var properties = delivery.properties
    properties.deliveryMode = 2
    // A broker refuses another user's id.
    properties.userID = nil
    var headers = properties.headers ?? [:]
    headers.entries.removeAll { Self.isBrokersOwn($0.name) || $0.name == Self.attemptsHeader }
    headers.append(Self.attemptsHeader, .int64(Int64(counts ? attempt : attempt - 1)))
    properties.headers = headers
    return Message(properties: properties, body: delivery.body)
  }

  private static func isBrokersOwn(_ header: ByteString) -> Bool {
    let name = header.description
    return ["x-delivery-count", "x-acquired-count", "x-death", "CC", "BCC"].contains(name)
      || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
  }
}
