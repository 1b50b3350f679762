import Testing

@testable import Telemetry

@Suite struct ExpositionCacheTests {
  @Test("The text is that of the metrics and the format that are asked for", arguments: [1.0, 2.0, .nan])
  func text(value: Double) {
    var cache = ExpositionCache()
    for value in [1, value, value] {
      for format in [Exposition.Format.prometheus, .openMetrics, .openMetrics] {
        let families = [MetricFamily.gauge("workers", "Workers.", value)]
        #expect(cache.text(of: families, as: format) == Exposition(families, as: format).text)
      }
    }
  }
}
