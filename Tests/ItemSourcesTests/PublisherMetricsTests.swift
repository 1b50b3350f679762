import AMQP
import Telemetry
import Testing

@testable import ItemSources

@Suite struct PublisherMetricsTests {
  private static func lines(_ metrics: PublisherMetrics) -> [Substring] {
    Exposition(metrics.families(at: .now), as: .openMetrics).text.split(separator: "\n")
  }

  @Test("Confirmed items, looks and connections are counted") func counts() {
    var metrics = PublisherMetrics(queue: "fruits", epoch: 7, ProcessMetrics(version: "1"))
    #expect(!Self.lines(metrics).contains { $0.hasPrefix("amqp_job_source_names{") })
    metrics.observe(.joined)
    metrics.observe(.listed(.unreachable("refused")))
    metrics.observe(.listed(.names(["a", "b"], flaw: nil)))
    metrics.observe(.settled(.item("a"), isConfirmed: true))
    metrics.observe(.settled(.item("b"), isConfirmed: false))
    metrics.observe(.settled(.mark, isConfirmed: true))
    let lines = Self.lines(metrics)
    let queue = "messaging_destination_name=\"fruits\""
    for line in [
      "messaging_client_sent_messages_total{messaging_system=\"rabbitmq\",messaging_operation_name=\"publish\",\(queue)} 1",
      "amqp_job_source_polls_total{\(queue),outcome=\"failure\"} 1",
      "amqp_job_source_polls_total{\(queue),outcome=\"success\"} 1", "amqp_job_source_names{\(queue)} 2.0",
      "amqp_job_leader{\(queue)} 1.0", "amqp_job_leader_epoch{\(queue)} 7.0", "amqp_job_broker_connected 1.0",
    ] {
      #expect(lines.contains(line[...]), "\(line)")
    }
    #expect(metrics.vitals.obstacle == nil)
    metrics.observe(.parted)
    #expect(metrics.vitals.obstacle == "the publisher has no connection to the broker")
  }
}
