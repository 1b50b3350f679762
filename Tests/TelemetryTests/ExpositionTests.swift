import Telemetry
import Testing

@Suite struct ExpositionTests {
  private static let counter = MetricFamily(
    "jobs", "Jobs \"done\".\nAll of them.", .counters([Labelled(3, .queue("a\"b\\c\nd"), Label("settlement", "acked"))])
  )

  @Test("A counter in OpenMetrics has its suffix in the sample only, and the text ends with a mark")
  func openMetrics() {
    #expect(
      Exposition([Self.counter], as: .openMetrics).text == """
        # HELP jobs Jobs \\"done\\".\\nAll of them.
        # TYPE jobs counter
        jobs_total{messaging_destination_name="a\\"b\\\\c\\nd",settlement="acked"} 3
        # EOF

        """)
  }

  @Test("The older format names a counter as its sample, and leaves quotes of a help text alone")
  func prometheus() {
    #expect(
      Exposition([Self.counter], as: .prometheus).text == """
        # HELP jobs_total Jobs "done".\\nAll of them.
        # TYPE jobs_total counter
        jobs_total{messaging_destination_name="a\\"b\\\\c\\nd",settlement="acked"} 3

        """)
  }

  @Test("A histogram has cumulative buckets, of which the last has no bound")
  func histogram() {
    var times = Histogram(bounds: [0.5, 1, 10])
    for value in [0.25, 1, 0.75, 100] { times.observe(value) }
    let family = MetricFamily("wait_seconds", unit: "seconds", "Waits.", .histograms([Labelled(times, .rabbitMQ)]))
    #expect(
      Exposition([family], as: .openMetrics).text == """
        # HELP wait_seconds Waits.
        # TYPE wait_seconds histogram
        # UNIT wait_seconds seconds
        wait_seconds_bucket{messaging_system="rabbitmq",le="0.5"} 1
        wait_seconds_bucket{messaging_system="rabbitmq",le="1.0"} 3
        wait_seconds_bucket{messaging_system="rabbitmq",le="10.0"} 3
        wait_seconds_bucket{messaging_system="rabbitmq",le="+Inf"} 4
        wait_seconds_sum{messaging_system="rabbitmq"} 102.0
        wait_seconds_count{messaging_system="rabbitmq"} 4
        # EOF

        """)
  }

  @Test("A gauge may have no value, or one that is not finite")
  func gauges() {
    let infinite = MetricFamily.gauge("most", "The most.", -.infinity)
    let unknown = MetricFamily("epoch", "Not known.", .gauges([]))
    #expect(
      Exposition([infinite, unknown], as: .prometheus).text == """
        # HELP most The most.
        # TYPE most gauge
        most -Inf
        # HELP epoch Not known.
        # TYPE epoch gauge

        """)
  }

  @Test(
    "The format is OpenMetrics for those who take it",
    arguments: [
      ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics),
      ("*/*", .prometheus), ("", Exposition.Format.prometheus), ("Application/OpenMetrics-Text", .openMetrics),
      ("application/openmetrics-text; version=1.0.0; q=0, text/plain", .prometheus),
      ("application/openmetrics-text;q=0.000", .prometheus), ("application/openmetrics-text;q=0.05", .openMetrics),
      ("application/openmetrics-texts", .prometheus),
    ])
  func format(accept: String, format: Exposition.Format) {
    #expect(Exposition.Format(accept: accept) == format)
  }
}
