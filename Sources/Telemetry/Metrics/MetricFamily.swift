/// A metric with a value for each set of labels, as [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/)
/// has it.
package struct MetricFamily: Hashable, Sendable {
  package enum Values: Hashable, Sendable {
    case counters([Labelled<UInt64>])
    case gauges([Labelled<Double>])
    case histograms([Labelled<Histogram>])
  }

  /// The name, with the unit as its end where there is one, and without the suffix of a counter.
  package var name: String
  /// The unit, such as `seconds`.
  package var unit: String?
  /// What the metric means, in one sentence.
  package var help: String
  package var values: Values

  package init(_ name: String, unit: String? = nil, _ help: String, _ values: Values) {
    (self.name, self.unit, self.help, self.values) = (name, unit, help, values)
  }

  /// A gauge without labels.
  package static func gauge(_ name: String, unit: String? = nil, _ help: String, _ value: Double) -> MetricFamily {
    MetricFamily(name, unit: unit, help, .gauges([Labelled(value)]))
  }
}

/// A value of a metric, and what it is of.
package struct Labelled<Value: Hashable & Sendable>: Hashable, Sendable {
  package var labels: [Label]
  package var value: Value

  package init(_ value: Value, _ labels: Label...) { (self.value, self.labels) = (value, labels) }

  package init(_ value: Value, _ labels: [Label]) { (self.value, self.labels) = (value, labels) }
}

package struct Label: Hashable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}
