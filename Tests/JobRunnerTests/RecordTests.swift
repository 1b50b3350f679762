import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct RecordTests {
  private static func record(
    _ id: String? = "a", _ status: ProcessStatus? = .exited(0), settlement: String = "acked", step: String? = nil
  ) -> JobRecord {
    JobRecord(
      item: WorkItem(id: id, attempt: 2, bodySize: 5), startedAt: .now, duration: .milliseconds(1234), resultSize: 8,
      status: status, step: step, settlement: settlement)
  }

  // MARK: The job log

  @Test("The first columns are those of GNU parallel's job log")
  func header() {
    let parallel = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\t"
    #expect(JobLog.header.hasPrefix(parallel))
  }

  @Test("A line has the columns of the header, and counts on from the one before")
  func line() {
    var log = JobLog(host: "pod", command: ["./w.py", "--fast"])
    let line = log.line(Self.record(), startTime: 1_700_000_000.0416)
    #expect(
      line == "1\tpod\t1700000000.042\t     1.234\t5\t8\t0\t0\t./w.py --fast\ta\t2\tacked\n")
    #expect(line.split(separator: "\t").count == JobLog.header.split(separator: "\t").count)
    #expect(log.line(Self.record(), startTime: 0).hasPrefix("2\t"))
  }

  @Test(
    "A worker's end is an exit code or a signal, and an item that no worker ended has neither",
    arguments: [
      (ProcessStatus.exited(3), "3\t0"), (.killed(.kill), "0\t9"), (nil, "-1\t0"),
    ])
  func end(status: ProcessStatus?, cells: String) {
    var log = JobLog(host: "h", command: ["c"])
    #expect(log.line(Self.record("a", status), startTime: 0).contains("\t5\t8\t\(cells)\tc\t"))
  }

  @Test("No text ends a cell or a line")
  func cells() {
    var log = JobLog(host: "h\t", command: ["a\tb", "c\nd"])
    let line = log.line(Self.record("x\ty\n"), startTime: 0)
    #expect(line.dropLast().contains("\n") == false && line.split(separator: "\t").count == 12)
  }

  // MARK: The termination message

  @Test("A single item is told as a whole")
  func single() {
    var message = TerminationMessage(isOfSeveral: false)
    message.add(Self.record("a", .exited(0)))
    #expect(
      message.text(duration: .seconds(9))
        == #"{"item":"a","attempt":2,"seconds":1.234,"settlement":"acked","status":0}"#)
  }

  @Test("Several items are counted by settlement, and named")
  func several() {
    var message = TerminationMessage(isOfSeveral: true)
    message.add(Self.record("a"))
    message.add(Self.record(nil, .exited(1), settlement: "retried"))
    #expect(message.text(duration: .seconds(9)) == #"{"acked":1,"retried":1,"seconds":9.0,"items":["a"]}"#)
  }

  @Test("A runner that found nothing says so")
  func nothing() {
    #expect(TerminationMessage(isOfSeveral: false).text(duration: .seconds(1)) == #"{"seconds":1.0}"#)
  }

  @Test("Of many items only as many are named as there is room for")
  func many() {
    var message = TerminationMessage(isOfSeveral: true)
    for number in 0..<10_000 { message.add(Self.record("\"item\" \(number)")) }
    let text = message.text(duration: .seconds(1))
    #expect(text.utf8.count <= TerminationMessage.maxSize && text.utf8.count > TerminationMessage.maxSize / 2)
    #expect(text.hasPrefix(#"{"acked":10000,"#) && text.hasSuffix("]}"))
  }

  // MARK: The runner

  @Test("Each settled item is recorded, if that is asked for")
  func recorded() {
    for asks in [true, false] {
      var driver = RunnerDriver { $0.report.recordsJobs = asks }
      driver.work()
      driver.now += .seconds(2)
      let actions = driver.handle(.workerEnded(.exited(0))) + driver.settle()
      let records = actions.compactMap { if case .record(let record) = $0 { record } else { nil } }
      #expect(records.map(\.settlement) == (asks ? ["acked"] : []))
      #expect(records.allSatisfy { $0.duration == .seconds(2) && $0.status == .exited(0) })
    }
  }

  private func records(_ actions: [RunnerAction]) -> [JobRecord] {
    actions.compactMap { if case .record(let record) = $0 { record } else { nil } }
  }

  @Test(
    "An item that is given up while its worker runs is recorded when that has ended",
    arguments: [
      (RunnerDriver.lost(), "given-back"),
      (.method(channelClose, channel: 1), "given-back"),
      (.method(.basicCancel(consumerTag: "amqp-job-1"), channel: 1), "not-settled"),
    ])
  func abandoned(loss: RunnerEvent, settlement: String) {
    var driver = RunnerDriver {
      $0.report.recordsJobs = true
      $0.report.leastLogged = .info
    }
    driver.work()
    #expect(records(driver.handle(loss)).isEmpty)
    driver.now += .seconds(2)
    let actions = driver.handle(.workerEnded(.killed(.terminate)))
    #expect(records(actions).map(\.settlement) == [settlement])
    #expect(records(actions).allSatisfy { $0.duration == .seconds(2) && $0.status == .killed(.terminate) })
    let infos = actions.compactMap { action -> String? in
      if case .log(let entry) = action, entry.level == .info { entry.message.text(for: .amqpJob) } else { nil }
    }
    #expect(infos.count { $0.contains("the worker was killed by TERM; ") } == 1 && actions.errors.isEmpty)
  }

  @Test("An item whose ack is unconfirmed is recorded as not settled")
  func unconfirmed() {
    var driver = RunnerDriver { $0.report.recordsJobs = true }
    driver.work()
    #expect(records(driver.handle(.workerEnded(.exited(0)))).isEmpty)
    #expect(records(driver.handle(RunnerDriver.lost())).map(\.settlement) == ["not-settled"])
  }

  @Test("An item that is done, and does not come back after the connection was lost, is recorded as not settled")
  func notReturned() {
    var driver = RunnerDriver {
      $0.report.recordsJobs = true
      $0.worker.onDisconnect = .finish
    }
    driver.work()
    driver.handle(RunnerDriver.lost())
    #expect(records(driver.handle(.workerEnded(.exited(0)))).map(\.settlement) == ["not-settled"])
  }

  @Test("The time in which a result is published is not the worker's, and the size of the result is recorded")
  func result() {
    for isPublished in [true, false] {
      var driver = RunnerDriver {
        $0.report.recordsJobs = true
        $0.results = ResultOptions(.queue("out"), on: .all, maxSize: 100)
      }
      driver.work()
      driver.now += .seconds(2)
      driver.handle(.resultBegun(slot: 0))
      driver.now += .seconds(5)
      if isPublished { driver.handle(.resultPublished(size: 8, slot: 0)) }
      let end: RunnerEvent = isPublished ? .workerEnded(.exited(0)) : .resultRefused(reason: "full", slot: 0)
      let found = records(driver.handle(end) + driver.settle())
      #expect(found.map(\.duration) == [.seconds(2)] && found.map(\.resultSize) == [isPublished ? 8 : 0])
    }
  }
}
