import Console
import Linux
import Testing

@testable import JobRunner

@Suite("What a job log tells") struct JobLogReadingTests {
  private func attempt(_ text: String) -> Throughput.Attempt? { JobLog.attempt(Array(text.utf8)) }

  @Test("An attempt that was written is read") func roundTrip() {
    var log = JobLog(host: "h", command: ["a", "b"])
    let record = JobRecord(
      item: WorkItem(id: "1", attempt: 2), startedAt: .now, duration: .milliseconds(1250), resultSize: 0,
      status: .exited(3), settlement: "retried")
    #expect(attempt(log.line(record, startTime: 1000.5)) == Throughput.Attempt(end: 1001.75, duration: 1.25))
    var unrun = record
    unrun.status = nil
    #expect(attempt(log.line(unrun, startTime: 1000.5)) == nil)
  }

  @Test("GNU parallel's own job log is read, too") func parallel() {
    #expect(
      attempt("1\t:\t1700000000.250\t     2.500\t0\t0\t0\t15\tsleep 2")
        == Throughput.Attempt(end: 1_700_000_002.75, duration: 2.5))
  }

  @Test("What is no attempt is none", arguments: [JobLog.header, "", "1\t2\t3", "1\th\tx\t1\t0\t0\t0\t0\tc"])
  func others(text: String) { #expect(attempt(text) == nil) }

  @Test(
    "A job log begins with its header, with a line, or with a part of one",
    arguments: ["", "Seq\tHo", JobLog.header, "1\t:\t1.0\t2.0\t0\t0\t0\t0\ttrue\n", "1\t:\t1.0\t2.0\t0\t0\t0\t0\ttr"])
  func beginning(text: String) { #expect(JobLog.mayBegin(with: Array(text.utf8))) }

  @Test("Another file does not begin so", arguments: ["\n", "{\"a\": 1}\n", "Seq\tHost\n", "a\tb\n\t\t\t\t\t\t\t\t\n"])
  func anotherFile(text: String) { #expect(!JobLog.mayBegin(with: Array(text.utf8))) }
}
