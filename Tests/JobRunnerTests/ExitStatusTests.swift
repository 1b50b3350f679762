import Console
import Glibc
import JobRunner
import Linux
import Testing

@Suite struct ExitStatusTests {
  @Test("A worker's own status is reported", arguments: [0, 1, 3, 63, 79, 123, 129, 255] as [Int32])
  func aWorkersOwnStatusIsReported(code: Int32) {
    #expect(ExitStatus(worker: .exited(code), raw: false).rawValue == code)
  }

  @Test(
    "A worker's status that is also one of the runner's becomes 1",
    arguments: Array(64...78) + Array(124...128) as [Int32])
  func theRunnersOwnStatusesBecomeOne(code: Int32) {
    #expect(ExitStatus(worker: .exited(code), raw: false) == .failure)
    #expect(ExitStatus(worker: .exited(code), raw: true).rawValue == code)
  }

  @Test("A signal that ended a worker is reported as shells do") func signalsAreReportedAsShellsDo() {
    #expect(ExitStatus(worker: .killed(.kill), raw: false).rawValue == 137)
    #expect(ExitStatus.signal(.terminate).rawValue == 128 + SIGTERM)
  }
}
