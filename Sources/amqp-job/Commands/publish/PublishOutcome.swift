import AMQP
import Broker
import Console
import Publishing

/// What became of the items of a publication, by their numbers.
struct PublishCounts: Hashable {
  /// The items that were started.
  var accepted = 0
  var confirmed = 0
  /// The items that were sent more than once.
  var resent = 0
  var refusals: [PublicationTally.Refusal] = []
  /// The items that may be in a queue or not.
  var unknown: [Int] = []
  /// The last item of those in an unbroken row that are in a queue.
  var lastInOrder = 0
}

extension PublishCounts {
  init(_ publication: Publication) {
    let tally = publication.tally
    self.init(
      accepted: tally.acceptedCount, confirmed: tally.confirmedCount, resent: tally.resentCount,
      refusals: tally.refusals, unknown: publication.unknownNumbers, lastInOrder: publication.lastNumberInOrder)
  }
}

/// How `publish` ends: what it says about the items, and the exit status.
struct PublishOutcome {
  let destination: Destination
  /// The number of items, where it is known. It includes those that were skipped.
  let total: Int?
  /// How many items at the beginning were left out.
  var skipped = 0
  let counts: PublishCounts
  var arrival = Arrival.inQueue
  let broker: BrokerURL

  private var place: String { "\(destination) at \(broker)" }

  /// The line for a publication in which every item was published.
  var success: LogEntry {
    let items = counts.confirmed.counted("item", "is", "are")
    return LogEntry(counts.resent > 0 ? .notice : .info, "\(items) \(destination.relation(arrival)) \(place)\(twice)")
  }

  /// The failure to end with. nil where every item was published.
  func failure(_ end: Publication.End) -> Failure? {
    switch end {
    case .done: return nil
    case .refused: return refused
    case .signal(let signal):
      return Failure(
        .signal(signal), "ended by \(signal) while publishing to \(place)\(whatIsPublished)")
    case .input(let error):
      return Failure(Self.status(of: error.kind), "\(error.reason)\(whatIsPublished)")
    case .broker(let failure):
      return Failure(failure).adding(whatIsPublishedIfAny)
    case .channel(let reason):
      return Failure(.refused(reason), about: destination, broker: broker).adding(whatIsPublishedIfAny)
    case .item(let number, let error):
      return Failure(.unsendable(error), about: destination, broker: broker).adding(
        " (item \(number))" + whatIsPublishedIfAny)
    }
  }

  private static func status(of kind: InputError.Kind) -> ExitStatus {
    switch kind {
    case .unreadable: .inputOutputError
    case .malformed: .refusedData
    case .unsuitable: .usage
    }
  }

  private var refused: Failure {
    let isUnroutable = counts.refusals.contains(where: \.isUnroutable)
    let numbers = counts.refusals.map(\.number).sorted()
    let (refused, those) = (
      "\(numbers.itemList) \(numbers.count == 1 ? "is" : "are")", numbers.count == 1 ? "it" : "them"
    )
    guard isUnroutable else {
      let why = "the broker rejected \(those), as it does when a queue is full or was deleted"
      return Failure(.temporaryFailure, "\(place): \(refused) not published: \(why)\(whatIsPublishedIfAny)")
    }
    let why =
      destination.exchange.isEmpty ? "there is no such queue, or not any more" : unbound(those)
    return Failure(.noQueue, "\(place): \(refused) not published: \(why)\(whatIsPublishedIfAny)")
  }

  private func unbound(_ those: String) -> String {
    let (exchange, key) = (destination.exchange.shellWord, destination.routingKey.shellWord)
    return
      "no queue is bound to that exchange for \(those) ('amqp-job declare QUEUE --exchange \(exchange) --routing-key \(key)' "
      + "binds one)"
  }

  /// The same as `whatIsPublished`, but empty where no item was started.
  private var whatIsPublishedIfAny: LogMessage { counts.accepted > 0 ? whatIsPublished : "" }

  /// How many items are published, and how to resume.
  private var whatIsPublished: LogMessage {
    let count = counts.confirmed
    let items = total.map { $0 - skipped }.map { "\(count) of \($0.counted("item")) \($0 == 1 ? "is" : "are")" }
    var text: LogMessage = "; \(items ?? count.counted("item", "is", "are")) \(destination.whereItemsAre(arrival))"
    if skipped > 0 { text += ", and \(skipped) before \(skipped == 1 ? "it was" : "them were") skipped" }
    if !counts.unknown.isEmpty { text += ", \(counts.unknown.count) may be (\(counts.unknown.itemList))" }
    if counts.lastInOrder > 0 { text += Self.resuming(after: counts.lastInOrder) }
    return "\(text)\(twice)"
  }

  private static func resuming(after number: Int) -> LogMessage {
    let advice: Advice = "; \(.skip) \(number) goes on from there"
    return "\(advice)"
  }

  private var twice: String {
    let count = counts.resent
    let way = "sent more than once and may be there as often, with the same message"
    return count == 0 ? "" : "; \(count) \(count == 1 ? "was \(way) id" : "were \(way) ids")"
  }
}
