import AMQP
import Broker
import Console
import Linux
import Publishing
import Telemetry

/// What `publish` reports while it publishes: to the user its progress, and what holds it up; and its metrics.
final class PublishReport {
  private static let interval: Duration = .seconds(1)

  private let destination: Destination
  private let arrival: Arrival
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
  private var page: MetricsPage<PublicationMetrics>?

  init(
    _ destination: Destination, _ arrival: Arrival, total: Int?, reporter: Reporter, showsProgress: Bool,
    outage: Duration
  ) {
    self.destination = destination
    self.arrival = arrival
    self.total = total
    self.reporter = reporter
    self.showsProgress = showsProgress
    self.outage = outage
    patienceEnd = reporter.patience.map { .now + $0 }
  }

  /// Serves metrics, from a thread that has the signal mask of this one.
  /// - Throws: `SystemError`
  func serve(at place: MetricsPlace<PublicationMetrics>?) throws(SystemError) { page = try place?.open() }

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

  /// Reports what is due, and returns when more will be due.
  func turn(_ publication: Publication, broker: BrokerURL) -> ContinuousClock.Instant? {
    let dueTimes = [reportWait(publication, broker), reportProgress(publication), updatePage(publication)]
    return dueTimes.compactMap(\.self).min()
  }

  /// Shows the progress if it is due, and returns when it will be due again.
  private func reportProgress(_ publication: Publication) -> ContinuousClock.Instant? {
    guard showsProgress else { return nil }
    if ContinuousClock.now >= next {
      next = .now + (Terminal.errorSize == nil ? Self.interval * 5 : Self.interval)
      show(publication)
    }
    return next
  }

  private func updatePage(_ publication: Publication) -> ContinuousClock.Instant? {
    guard let page else { return nil }
    page.update { $0.turned(publication, at: .now) }
    return .now + Vitals.period
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

  /// Shows how far the publication has come at its end, after which no metrics are served.
  func finish(_ publication: Publication) {
    if showsProgress { show(publication) }
    endLine()
    page = nil
  }

  private func show(_ publication: Publication) {
    pace.observe(publication.tally.confirmedCount, at: .now)
    let line = PublishProgress(
      destination: destination.name, confirmed: publication.tally.confirmedCount,
      whereItemsAre: destination.whereItemsAre(arrival), unconfirmed: publication.openCount, total: total,
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
}
