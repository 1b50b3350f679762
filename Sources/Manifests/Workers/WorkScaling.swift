internal import Console

/// The options of pods whose number follows the work of their queue, as Prometheus knows it.
package struct WorkScaling: Sendable {
  /// The URL of Prometheus.
  package var prometheus: String
  /// The metric for the number of items that are ready, with the label `queue`.
  package var metric = QueueMetric.default
  /// The number of items that each pod works on at the same time.
  package var parallelism = 1
  /// The time in which the items that wait are to be worked off.
  package var backlogTime = Workload.backlogTime
  /// The time over which rates are taken.
  package var window = defaultWindow
  /// The time that an item is taken to need as long as no runner has done one.
  package var serviceTime = defaultServiceTime
  /// The labels that all series must have.
  package var labels: [SeriesLabel] = []

  /// Two samples that are 30 s apart fit into it.
  package static let defaultWindow: Duration = .seconds(60)
  package static let defaultServiceTime: Duration = .seconds(10)

  /// Where the pods serve their metrics unless the user says so.
  static let metricsAddress = MetricsAddress(":9464", port: 9464)

  package init(prometheus: String) { self.prometheus = prometheus }

  /// The number of pods that the queue needs, as an expression of Prometheus
  /// (<https://prometheus.io/docs/prometheus/latest/querying/basics/>). `Workload` computes the same.
  ///
  /// What arrives is what the runners have done, and the growth of the queue. RabbitMQ's own counters of what is published are those
  /// of channels. They end with the channel, often before anybody has read them.
  ///
  /// The answer is empty if the broker's metrics are missing, or if Prometheus reads them too seldom for the window.
  func query(queue: String) -> String {
    let all = selector(metric.all, "queue", queue)
    let done = "sum(rate(\(durations("count", queue))\(range))) or vector(0)"
    let growth = "max(delta(\(all)\(range))) / \(window.wholeSeconds)"
    let arriving = "clamp_min((\(done)) + \(growth), 0) / \(Workload.busyShare)"
    let backlog = "max(\(selector(metric.ready, "queue", queue))) / \(backlogTime.wholeSeconds)"
    let most = "clamp_min(max(max_over_time(\(all)\(range))), \(parallelism))"
    let workers = "(\(arriving) + \(backlog)) * (\(meanServiceTime(queue)))"
    return "ceil(clamp_max(\(workers), scalar(\(most))) / \(parallelism))"
  }

  /// The mean of what was done lately; else that of the runners of the last hour, since each of them was started; else the
  /// assumption.
  private func meanServiceTime(_ queue: String) -> String {
    func mean(_ function: String, _ range: String) -> String {
      let (sum, count) = (durations("sum", queue), durations("count", queue))
      return "sum(\(function)(\(sum)[\(range)])) / (sum(\(function)(\(count)[\(range)])) > 0)"
    }
    let assumed = Double(serviceTime.wholeMilliseconds) / 1000
    return "\(mean("increase", "10m")) or \(mean("max_over_time", "1h")) or vector(\(assumed))"
  }

  private var range: String { "[\(window.wholeSeconds)s]" }

  private func durations(_ part: String, _ queue: String) -> String {
    selector("messaging_process_duration_seconds_\(part)", "messaging_destination_name", queue)
  }

  private func selector(_ metric: String, _ label: String, _ value: String) -> String {
    let matchers = [SeriesLabel(name: label, value: value)] + labels
    return "\(metric){\(matchers.map(\.matcher).joined(separator: ","))}"
  }
}

/// The pair of RabbitMQ's metrics for the length of a queue.
package struct QueueMetric: Hashable, Sendable {
  private static let suffix = "_ready"
  package static let `default` = QueueMetric(all: "rabbitmq_queue_messages")

  /// The name of the metric for all items of a queue, those that runners hold among them.
  let all: String
  /// The name of the metric for the items that are ready.
  var ready: String { all + Self.suffix }

  private init(all: String) { self.all = all }

  /// nil if the name of the metric for the items that are ready has not the form of RabbitMQ's, from which the other one follows.
  package init?(ready: String) {
    let allowed = ready.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":") }
    guard ready.hasSuffix(Self.suffix), allowed, ready.utf8.first?.isDigit == false else { return nil }
    all = String(ready.dropLast(Self.suffix.count))
  }
}

/// A label of a time series (<https://prometheus.io/docs/concepts/data_model/>).
package struct SeriesLabel: Hashable, Sendable, CustomStringConvertible {
  package var name: String
  package var value: String

  init(name: String, value: String) { (self.name, self.value) = (name, value) }

  /// The labels that name the queue, in the broker's metrics and in the pods'. The queries have them already.
  package static let namesOfQueue = ["queue", "messaging_destination_name"]

  /// Labels that the series of the broker or of the pods lack, or in which these differ.
  package static let namesOfOneSide = [
    "container", "error_type", "instance", "job", "le", "messaging_operation_name", "messaging_system", "pod", "vhost",
  ]

  /// Reads `NAME=VALUE`; nil if NAME is not a label's name, or is reserved for Prometheus itself, and for a VALUE that is empty
  /// or begins as a regular expression of PromQL does (`NAME=~VALUE`).
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty, !parts[1].hasPrefix("~"),
      let first = parts[0].utf8.first, !first.isDigit, !parts[0].hasPrefix("__"),
      parts[0].utf8.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "_") })
    else { return nil }
    self.init(name: parts[0], value: parts[1])
  }

  package var description: String { "\(name)=\(value)" }

  /// The condition in a selector that the label has this value.
  var matcher: String {
    let escaped = value.map { character in
      switch character {
      case "\\", "\"": "\\\(character)"
      case "\n": "\\n"
      default: "\(character)"
      }
    }
    return "\(name)=\"\(escaped.joined())\""
  }
}
