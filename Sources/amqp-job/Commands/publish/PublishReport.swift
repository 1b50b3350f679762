import AMQP
import Broker
import Console
import Linux
import Publishing

/// What `publish` reports to the user: its progress, what holds it up, and what became of the items.
final class PublishReport {
  private static let interval: Duration = .seconds(1)

  private let destination: Destination
  private let total: Int?
  private let reporter: Reporter
  private let showsProgress: Bool
  /// How long the brokers may be out of reach.
  private let outage: Duration
  private var next = ContinuousClock.now
  private var pace = Pace()
  private var isLineOpen = false
  private var blockedReason: String?
  /// When to report that the broker has not answered yet. nil where nobody watches.
  private var patienceEnd: ContinuousClock.Instant?
  private var isWaitReported = false

  init(_ destination: Destination, total: Int?, reporter: Reporter, showsProgress: Bool, outage: Duration) {
    self.destination = destination
    self.total = total
    self.reporter = reporter
    self.showsProgress = showsProgress
    self.outage = outage
    patienceEnd = reporter.patience.map { .now + $0 }
  }

  // MARK: While it publishes

  func notify(_ notice: Publication.Notice, _ broker: BrokerURL) {
    endLine()
    switch notice {
    case .blocked(let reason):
      blockedReason = reason
      reporter.report(LogEntry(.notice, "the broker at \(broker) takes nothing for now (\(reason)): waiting"))
    case .unblocked:
      blockedReason = nil
      reporter.report(LogEntry(.notice, "the broker at \(broker) takes items again"))
    case .quiet(let time):
      reporter.report(LogEntry(.notice, "the broker at \(broker) has confirmed nothing for \(time.text): waiting"))
    case .unreachable(let failure):
      isWaitReported = true
      reporter.report(LogEntry(.unreachable(failure), timeout: outage))
    case .lost(let failure, let count):
      (blockedReason, isWaitReported) = (nil, true)
      let again =
        count == 0 ? "" : "; \(count.counted("unconfirmed item", "is", "are")) sent again, and may be there twice"
      reporter.report(LogEntry(.warning, "\(failure): connecting again\(again)"))
    }
  }

  /// Shows the progress if it is due, and returns when it will be due again.
  func turn(_ publication: Publication, broker: BrokerURL) -> ContinuousClock.Instant? {
    let patienceEnd = reportWait(publication, broker)
    guard showsProgress else { return patienceEnd }
    if ContinuousClock.now >= next {
      next = .now + (Terminal.errorSize == nil ? Self.interval * 5 : Self.interval)
      show(publication)
    }
    return min(next, patienceEnd ?? next)
  }

  /// Reports after a while that the broker has not answered yet, and returns when that will be due.
  private func reportWait(_ publication: Publication, _ broker: BrokerURL) -> ContinuousClock.Instant? {
    switch publication.phase {
    case .waiting, .connecting: break
    case .publishing, .ended: isWaitReported = true
    }
    guard !isWaitReported, let patienceEnd else { return nil }
    guard ContinuousClock.now >= patienceEnd else { return patienceEnd }
    isWaitReported = true
    endLine()
    reporter.report(LogEntry(.unanswered(broker), timeout: outage))
    return nil
  }

  func finish(_ publication: Publication) {
    if showsProgress { show(publication) }
    endLine()
  }

  private func show(_ publication: Publication) {
    pace.observe(publication.tally.confirmedCount, at: .now)
    let line = PublishProgress(
      destination: destination.name, confirmed: publication.tally.confirmedCount,
      whereItemsAre: destination.whereItemsAre, unconfirmed: publication.openCount, total: total,
      rate: pace.rate, blocked: blockedReason)
    guard let size = Terminal.errorSize else {
      reporter.logger.show(LogEntry(.notice, "\(line.text)", ["items": .integer(publication.tally.confirmedCount)]))
      return
    }
    ThisProcess.writeToStandardError("\r\(line.drawn(width: size.columns - 1))\u{1B}[K")
    isLineOpen = true
  }

  private func endLine() {
    if isLineOpen { ThisProcess.writeToStandardError("\n") }
    isLineOpen = false
  }

  // MARK: The end

  func succeed(_ publication: Publication, broker: BrokerURL) {
    let place = "\(destination) at \(broker)"
    let level: LogEntry.Level = publication.tally.resentCount > 0 ? .notice : .info
    let way = destination.exchange.isEmpty ? "in" : "in a queue, through"
    let items = publication.tally.confirmedCount.counted("item", "is", "are")
    reporter.report(LogEntry(level, "\(items) \(way) \(place)\(twice(publication))"))
  }

  /// The failure to end with. nil where every item was published.
  func failure(_ end: Publication.End, _ publication: Publication, broker: BrokerURL) -> Failure? {
    let place = "\(destination) at \(broker)"
    switch end {
    case .done: return nil
    case .refused: return refused(publication, place: place)
    case .signal(let signal):
      return Failure(
        .signal(signal), "ended by \(signal) while publishing to \(place)\(counts(publication, isAlways: true))")
    case .input(let error):
      let status: ExitStatus = error.kind == .malformed ? .refusedData : .inputOutputError
      return Failure(status, "\(error.reason)\(counts(publication, isAlways: true))")
    case .broker(let failure):
      return Failure(failure).adding(counts(publication))
    case .channel(let reason):
      return Failure(.refused(reason), about: destination, broker: broker).adding(counts(publication))
    case .item(let number, let error):
      return Failure(.unsendable(error), about: destination, broker: broker).adding(
        " (item \(number))" + counts(publication))
    }
  }

  private func refused(_ publication: Publication, place: String) -> Failure {
    let isUnroutable = publication.tally.refusals.contains(where: \.isUnroutable)
    let why =
      isUnroutable
      ? destination.exchange.isEmpty ? "there is no such queue, or not any more" : "no queue is bound to it for them"
      : "the broker rejected them, as it does when a queue is full or was deleted"
    let refused = list(publication.tally.refusals.map(\.number).sorted())
    return Failure(
      isUnroutable ? .noQueue : .temporaryFailure, "\(place): \(why): not \(refused)\(counts(publication))")
  }

  /// How many items are published, and how to resume. It is empty where no item was started, unless `isAlways`.
  private func counts(_ publication: Publication, isAlways: Bool = false) -> LogMessage {
    guard publication.tally.acceptedCount > 0 || isAlways else { return "" }
    let count = publication.tally.confirmedCount
    let items = total.map { "\(count) of \($0.counted("item")) \($0 == 1 ? "is" : "are")" }
    var text: LogMessage = "; \(items ?? count.counted("item", "is", "are")) \(destination.whereItemsAre)"
    let unknown = publication.unknownNumbers
    if !unknown.isEmpty { text += ", \(unknown.count) may be (\(list(unknown)))" }
    if publication.lastNumberInOrder > 0 { text += Self.resuming(after: publication.lastNumberInOrder) }
    return "\(text)\(twice(publication))"
  }

  private static func resuming(after number: Int) -> LogMessage {
    let advice: Advice = "; \(.skip) \(number) goes on from there"
    return "\(advice)"
  }

  private func twice(_ publication: Publication) -> String {
    let count = publication.tally.resentCount
    let way = "sent more than once and may be there as often, with the same message"
    return count == 0 ? "" : "; \(count) \(count == 1 ? "was \(way) id" : "were \(way) ids")"
  }

  /// The items by their numbers. Only the first ten are named.
  private func list(_ numbers: [Int]) -> String {
    let shown = numbers.prefix(10).map { "\($0)" }.joined(separator: ", ")
    return "item\(numbers.count == 1 ? "" : "s") \(shown)" + (numbers.count > 10 ? ", ..." : "")
  }
}

extension Failure {
  fileprivate func adding(_ text: LogMessage) -> Failure {
    var failure = self
    failure.message += text
    return failure
  }
}
