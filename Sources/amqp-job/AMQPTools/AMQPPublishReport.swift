import AMQP
import Broker
import Console
import Linux
import Publishing

/// What `amqp-publish` reports to the user about its messages.
struct AMQPPublishReport {
  private let destination: Destination
  private let hasLines: Bool

  /// `hasLines` says that each message is a line of standard input.
  init(_ destination: Destination, hasLines: Bool) {
    self.destination = destination
    self.hasLines = hasLines
  }

  func notify(_ notice: Publication.Notice, _ broker: BrokerURL) {
    switch notice {
    case .blocked(let reason):
      AMQPPublish.report(.notice, "the broker at \(broker) takes nothing for now (\(reason)): waiting")
    case .quiet(let time):
      AMQPPublish.report(.notice, "the broker at \(broker) has confirmed nothing for \(time.text): waiting")
    case .unblocked, .lost, .unreachable: break
    }
  }

  /// The failure to end with. nil where every message was published.
  func failure(_ end: Publication.End, _ publication: Publication, broker: BrokerURL) -> Failure? {
    let subject = "\(place) at \(broker)"
    let text: LogMessage
    switch end {
    case .done: return nil
    case .signal(let signal):
      return Failure(.signal(signal), "ended by \(signal) while publishing to \(subject)\(counts(publication))")
    case .refused:
      text =
        publication.tally.refusals.contains(where: \.isUnroutable)
        ? "no queue takes it: \(unroutable(subject))" : "\(subject) rejects it, as a queue does when it is full"
    case .input(let error): text = "\(error.reason)"
    case .broker(let failure): text = "\(failure)"
    case .channel(let reason): text = "\(subject): \(reason.text)"
    case .item(_, let error): text = Failure(.unsendable(error), subject: subject).message
    }
    return Failure(.failure, "\(text)\(counts(publication))")
  }

  private var place: String {
    destination.exchange.isEmpty ? "queue '\(destination.routingKey)'" : "exchange '\(destination.exchange)'"
  }

  private func unroutable(_ subject: String) -> String {
    destination.exchange.isEmpty
      ? "there is no \(subject)" : "none is bound to \(subject) for routing key '\(destination.routingKey)'"
  }

  private func counts(_ publication: Publication) -> String {
    guard publication.tally.acceptedCount > 0 else { return "" }
    let unknownCount = publication.unknownNumbers.count
    guard hasLines else { return unknownCount == 0 ? "" : "; the message may be published" }
    let (count, first) = (publication.tally.confirmedCount, publication.lastNumberInOrder)
    let published =
      switch count {
      case 0: "no line is known to be published"
      case first: count == 1 ? "the first line is published" : "the first \(count) lines are published"
      case _ where first == 0: "\(count.counted("line", "is", "are")) published, the first not among them"
      default: "\(count) lines are published, the first \(first == 1 ? "" : "\(first) ")among them"
      }
    let unknown =
      unknownCount == 0
      ? "" : count == 0 ? ", \(unknownCount) may be" : ", and \(unknownCount) more may be"
    return "; \(published)\(unknown)"
  }
}
