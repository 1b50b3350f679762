import Linux
import Telemetry
import Testing

@testable import JobRunner

@Suite struct RunnerMetricsTests {
  private static func metrics() -> RunnerMetrics {
    RunnerMetrics(queue: "fruits", workerCount: 4, ProcessMetrics(version: "1"))
  }

  private static func record(
    _ settlement: String, attempt: Int = 1, seconds: Int = 2, status: ProcessStatus? = .exited(0),
    leavesQueue: Bool = true, errorType: String? = nil, timestamp: UInt64? = nil
  ) -> JobRecord {
    JobRecord(
      item: WorkItem(attempt: attempt, timestamp: timestamp), startedAt: .now, duration: .seconds(seconds),
      resultSize: 0, status: status, settlement: settlement, leavesQueue: leavesQueue, errorType: errorType)
  }

  private static func lines(_ metrics: RunnerMetrics) -> [Substring] {
    Exposition(metrics.families(at: .now), as: .openMetrics).text.split(separator: "\n")
  }

  private static let queue = "messaging_destination_name=\"fruits\""
  private static let system = "messaging_system=\"rabbitmq\""
  private static let process = "\(system),messaging_operation_name=\"process\",\(queue)"

  @Test("A runner that has done nothing has all its metrics")
  func nothing() {
    let lines = Self.lines(Self.metrics())
    for line in [
      "messaging_client_consumed_messages_total{\(Self.system),messaging_operation_name=\"consume\",\(Self.queue)} 0",
      "messaging_process_duration_seconds_count{\(Self.process)} 0", "amqp_job_item_attempts_count{\(Self.queue)} 0",
      "amqp_job_settled_items_total{\(Self.queue),settlement=\"acked\"} 0",
      "amqp_job_settled_items_total{\(Self.queue),settlement=\"dead-lettered\"} 0",
      "amqp_job_item_wait_seconds_count{\(Self.queue)} 0", "amqp_job_workers 4.0", "amqp_job_workers_busy 0.0",
      "amqp_job_broker_connected 0.0", "amqp_job_broker_reconnections_total 0",
      "amqp_job_build_info{version=\"1\"} 1.0",
    ] {
      #expect(lines.contains(line[...]), "\(line)")
    }
  }

  @Test("Settlements are counted, and durations by error")
  func settlements() {
    var metrics = Self.metrics()
    metrics.add(Self.record("acked"), startTime: 0)
    metrics.add(Self.record("acked", attempt: 3, seconds: 7), startTime: 0)
    let failed = Self.record("retried", status: .exited(3), leavesQueue: false, errorType: "failed")
    metrics.add(failed, startTime: 0)
    let lines = Self.lines(metrics)
    for line in [
      "amqp_job_settled_items_total{\(Self.queue),settlement=\"acked\"} 2",
      "amqp_job_settled_items_total{\(Self.queue),settlement=\"retried\"} 1",
      "messaging_process_duration_seconds_bucket{\(Self.process),le=\"5.0\"} 1",
      "messaging_process_duration_seconds_sum{\(Self.process)} 9.0",
      "messaging_process_duration_seconds_count{\(Self.process),error_type=\"failed\"} 1",
      "amqp_job_item_attempts_bucket{\(Self.queue),le=\"1.0\"} 1", "amqp_job_item_attempts_count{\(Self.queue)} 2",
    ] {
      #expect(lines.contains(line[...]), "\(line)")
    }
  }

  @Test("An item that no worker had has no duration, and did not wait for one")
  func unrun() {
    var metrics = Self.metrics()
    metrics.add(Self.record("dead-lettered", status: nil, errorType: "too_large", timestamp: 1), startTime: 100)
    let lines = Self.lines(metrics)
    #expect(lines.contains("amqp_job_settled_items_total{\(Self.queue),settlement=\"dead-lettered\"} 1"))
    #expect(lines.contains("amqp_job_item_wait_seconds_count{\(Self.queue)} 0"))
    #expect(!lines.contains { $0.contains("error_type") })
  }

  @Test("The wait is from the timestamp to the first start, and never below 0")
  func waits() {
    var metrics = Self.metrics()
    metrics.add(Self.record("acked", timestamp: 1000), startTime: 1003.5)
    metrics.add(Self.record("acked", timestamp: 2000), startTime: 1999)
    metrics.add(Self.record("acked", attempt: 2, timestamp: 1000), startTime: 1100)
    metrics.add(Self.record("acked"), startTime: 1100)
    let lines = Self.lines(metrics)
    #expect(lines.contains("amqp_job_item_wait_seconds_sum{\(Self.queue)} 3.5"))
    #expect(lines.contains("amqp_job_item_wait_seconds_count{\(Self.queue)} 2"))
  }

  @Test("The state of the runner shows in the gauges and in the probes")
  func state() {
    var metrics = Self.metrics()
    #expect(metrics.vitals.unreadyReason(at: .now) != nil)
    var state = RunnerState()
    (state.consumedCount, state.busyWorkerCount, state.loginCount) = (9, 3, 2)
    (state.isConnected, state.isServing) = (true, true)
    metrics.turned(state, at: .now)
    let lines = Self.lines(metrics)
    for line in ["amqp_job_workers_busy 3.0", "amqp_job_broker_connected 1.0", "amqp_job_broker_reconnections_total 1"]
    {
      #expect(lines.contains(line[...]), "\(line)")
    }
    #expect(metrics.vitals.unreadyReason(at: .now) == nil)
  }
}
