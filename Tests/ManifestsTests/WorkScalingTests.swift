import Testing
import YAML

@testable import Manifests

@Suite("Scaling by the work of a queue") struct WorkScalingTests {
  private func query(queue: String = "job1", _ change: (inout WorkScaling) -> Void = { _ in }) -> String {
    var scaling = WorkScaling(prometheus: "http://prometheus:9090")
    change(&scaling)
    return scaling.query(queue: queue)
  }

  @Test("Each option is in the query") func options() throws {
    let metric = try #require(QueueMetric(ready: "rabbitmq_detailed_queue_messages_ready"))
    let text = query {
      $0.metric = metric
      $0.parallelism = 7
      $0.backlogTime = .seconds(90)
      $0.window = .seconds(45)
      $0.serviceTime = .milliseconds(1500)
    }
    for part in [
      "rabbitmq_detailed_queue_messages_ready{queue=\"job1\"}) / 90", "rabbitmq_detailed_queue_messages{", "[45s]))",
      ") / 45,", "vector(1.5)", ", scalar(", ") / 7)",
    ] {
      #expect(text.contains(part), "\(part) in \(text)")
    }
  }

  @Test("Each selector names the queue and the labels, so that no other queue counts") func selectors() throws {
    let label = try #require(SeriesLabel("namespace=fruits"))
    let text = query(queue: "a \"b\\") { $0.labels = [label] }
    let selectors = text.split(separator: "{").dropFirst().compactMap { $0.split(separator: "}").first }
    #expect(selectors.count == 8)
    for selector in selectors {
      #expect(
        ["queue", "messaging_destination_name"].map { "\($0)=\"a \\\"b\\\\\",namespace=\"fruits\"" }.contains(selector))
    }
  }

  @Test("A metric has the form of RabbitMQ's", arguments: ["rabbitmq_queue_messages", "a-b_ready", "1_ready", ""])
  func metric(name: String) { #expect(QueueMetric(ready: name) == nil) }

  @Test("A time in whole seconds is exact, or rounded up", arguments: 1...100) func wholeSeconds(hours: Int) {
    #expect(Duration.seconds(hours * 3600).wholeSeconds == hours * 3600)
    #expect((Duration.seconds(hours * 3600) + .milliseconds(1)).wholeSeconds == hours * 3600 + 1)
  }

  @Test(
    "A label of a series has a name, and a value",
    arguments: ["a", "=b", "1a=b", "a-b=c", "a b=c", "__name__=a", "a=", "a=~b"])
  func label(text: String) { #expect(SeriesLabel(text) == nil) }

  @Test("A newline in the value of a label is escaped") func newline() {
    #expect(SeriesLabel("a=b\nc")?.matcher == "a=\"b\\nc\"")
  }
}
