/// The text in which metrics are told.
package struct Exposition: Sendable {
  package enum Format: Hashable, Sendable {
    /// [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/)
    case openMetrics
    /// The [text format 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/) of Prometheus, which older
    /// clients read.
    case prometheus

    /// The format for a client that sends this `Accept` header (RFC 9110).
    package init(accept: String) {
      let types = accept.split(separator: ",").map { $0.drop { $0 == " " } }
      self = types.contains { $0.hasPrefix("application/openmetrics-text") } ? .openMetrics : .prometheus
    }

    package var contentType: String {
      switch self {
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
      }
    }
  }

  private let format: Format
  package private(set) var text = ""

  package init(_ families: [MetricFamily], as format: Format) {
    self.format = format
    text.reserveCapacity(8 << 10)
    for family in families { append(family) }
    if format == .openMetrics { text += "# EOF\n" }
  }

  private mutating func append(_ family: MetricFamily) {
    switch family.values {
    case .counters(let counters):
      let sample = family.name + "_total"
      describe(family, as: "counter", named: format == .openMetrics ? family.name : sample)
      for counter in counters { append(sample, counter.labels, "\(counter.value)") }
    case .gauges(let gauges):
      describe(family, as: "gauge", named: family.name)
      for gauge in gauges { append(family.name, gauge.labels, Self.number(gauge.value)) }
    case .histograms(let histograms):
      describe(family, as: "histogram", named: family.name)
      for histogram in histograms { append(histogram, family.name) }
    }
  }

  private mutating func describe(_ family: MetricFamily, as type: String, named name: String) {
    text += "# HELP \(name) \(Self.escaped(family.help, quotes: format == .openMetrics))\n# TYPE \(name) \(type)\n"
    if format == .openMetrics, let unit = family.unit { text += "# UNIT \(name) \(unit)\n" }
  }

  private mutating func append(_ histogram: Labelled<Histogram>, _ name: String) {
    let (labels, value) = (histogram.labels, histogram.value)
    for (bound, count) in zip(value.bounds, value.cumulativeCounts) {
      append(name + "_bucket", labels + [Label("le", Self.number(bound))], "\(count)")
    }
    append(name + "_bucket", labels + [Label("le", "+Inf")], "\(value.count)")
    append(name + "_sum", labels, Self.number(value.sum))
    append(name + "_count", labels, "\(value.count)")
  }

  private mutating func append(_ name: String, _ labels: [Label], _ value: String) {
    text += name
    for (index, label) in labels.enumerated() {
      text += "\(index == 0 ? "{" : ",")\(label.name)=\"\(Self.escaped(label.value, quotes: true))\""
    }
    text += "\(labels.isEmpty ? "" : "}") \(value)\n"
  }

  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
    return "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: "\\\"\n".utf8.contains) else { return text }
    return text.reduce(into: "") { escaped, character in
      switch character {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.append(character)
      }
    }
  }
}
