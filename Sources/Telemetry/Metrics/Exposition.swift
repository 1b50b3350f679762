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
      let types = accept.lowercased().split(separator: ",").map { type in
        type.split(separator: ";").map { $0.filter { $0 != " " } }
      }
      // A weight of 0 says that the type is not taken.
      let isTaken = types.contains { parts in
        parts.first == "application/openmetrics-text"
          && !parts.contains { $0.hasPrefix("q=0") && $0.dropFirst(2).allSatisfy { "0.".contains($0) } }
      }
      self = isTaken ? .openMetrics : .prometheus
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
      for counter in counters { append(sample, Self.text(counter.labels), String(counter.value)) }
    case .gauges(let gauges):
      describe(family, as: "gauge", named: family.name)
      for gauge in gauges { append(family.name, Self.text(gauge.labels), Self.text(gauge.value)) }
    case .histograms(let histograms):
      describe(family, as: "histogram", named: family.name)
      for histogram in histograms { append(histogram, family.name) }
    }
  }

  private mutating func describe(_ family: MetricFamily, as type: String, named name: String) {
    append(["# HELP ", name, " ", Self.escaped(family.help, quotes: format == .openMetrics), "\n"])
    append(["# TYPE ", name, " ", type, "\n"])
    if format == .openMetrics, let unit = family.unit { append(["# UNIT ", name, " ", unit, "\n"]) }
  }

  private mutating func append(_ histogram: Labelled<Histogram>, _ name: String) {
    let (labels, value) = (Self.text(histogram.labels), histogram.value)
    let bucket = name + "_bucket{" + labels + (labels.isEmpty ? "" : ",") + "le=\""
    for (bound, count) in zip(value.bounds, value.cumulativeCounts) {
      append([bucket, Self.text(bound), "\"} ", String(count), "\n"])
    }
    append([bucket, "+Inf\"} ", String(value.count), "\n"])
    append(name + "_sum", labels, Self.text(value.sum))
    append(name + "_count", labels, String(value.count))
  }

  private mutating func append(_ name: String, _ labels: String, _ value: String) {
    append(labels.isEmpty ? [name, " ", value, "\n"] : [name, "{", labels, "} ", value, "\n"])
  }

  /// Much faster than interpolation, and metrics may be asked for many times a second.
  private mutating func append(_ parts: [String]) { for part in parts { text += part } }

  private static func text(_ labels: [Label]) -> String {
    var text = ""
    for label in labels {
      if !text.isEmpty { text += "," }
      text += label.name
      text += "=\""
      text += escaped(label.value, quotes: true)
      text += "\""
    }
    return text
  }

  private static func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
    return value.description
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\"")
    }
    guard !isPlain else { return text }
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
