import Testing

@testable import Manifests

/// The schedules of CronJobs, by the rules of Kubernetes.
@Suite struct ScheduleTests {
  private func refusal(_ text: String) -> String? {
    do throws(Schedule.Refusal) {
      _ = try Schedule(text)
      return nil
    } catch { return error.reason }
  }

  @Test(
    "A schedule that Kubernetes takes is taken as it is",
    arguments: [
      "*/5 * * * *", "0 3 * * 1-5", "0 0 1,15 JAN ?", "5/15 0-23/2 ? jan-MAR mon,Fri", "59 23 31 12 6", "0 0 29 2 *",
      "0 0 31 2 mon", "0 0 31 1,2 *", "*/90 * * * *", "0\t0  1 1 0", "0 0 */2 2 *", "@daily", "@hourly", "@annually",
      "@every 90m", "@every 1h30m", "@every 1.5h",
    ])
  func taken(text: String) throws {
    #expect(try Schedule(text).description == text)
  }

  @Test(
    "A schedule that Kubernetes refuses, or never runs, is refused with the reason",
    arguments: [
      ("99 * * * *", "its minute is from 0 to 59, not '99'"), ("* 24 * * *", "its hour is from 0 to 23, not '24'"),
      ("* * 0 * *", "its day of month is from 1 to 31, not '0'"),
      ("* * * 13 *", "its month is from 1 to 12 or jan to dec, not '13'"),
      ("* * * sept *", "its month is from 1 to 12 or jan to dec, not 'sept'"),
      ("* * * * 7", "its day of week is from 0 to 6 or sun to sat, not '7'"),
      ("mon * * * *", "its minute is from 0 to 59, not 'mon'"), ("-5 * * * *", "its minute is from 0 to 59, not ''"),
      ("30-10 * * * *", "its minute has a range that ends before it begins: '30-10'"),
      ("1-2-3 * * * *", "its minute has too many hyphens in '1-2-3'"),
      ("*/0 * * * *", "its minute has no step from 1 after the slash in '*/0'"),
      ("*/x * * * *", "its minute has no step from 1 after the slash in '*/x'"),
      ("*/5/5 * * * *", "its minute has too many slashes in '*/5/5'"), (", * * * *", "its minute has no value in ','"),
      ("0 0 31 2 *", "it never comes, since none of its months has such a day"),
      ("0 0 30,31 feb ?", "it never comes, since none of its months has such a day"),
      ("0 0 31 4,6,9,11 *", "it never comes, since none of its months has such a day"),
      ("@every", "it is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every DURATION"),
      (
        "@reboot", "it is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every DURATION"
      ),
      ("@every soon", "it has no duration of at least 1s after @every, such as 90m or 1h30m"),
      ("@every 0s", "it has no duration of at least 1s after @every, such as 90m or 1h30m"),
    ])
  func refused(text: String, reason: String) {
    #expect(refusal(text) == reason)
  }

  @Test(
    "A schedule with too few or too many fields is told which there are",
    arguments: ["", "often", "* * * *", "0 * * * * *"])
  func fields(text: String) {
    #expect(
      refusal(text)?.hasSuffix(
        ", and needs these: minute, hour, day of month, month, day of week; or give a name such as @daily") == true)
  }

  @Test("A time zone in a schedule is refused", arguments: ["TZ=UTC * * * * *", "CRON_TZ=Europe/Berlin 0 3 * * *"])
  func timeZone(text: String) {
    #expect(refusal(text) == "it has a time zone, which Kubernetes takes only in the CronJob's field timeZone")
  }
}
