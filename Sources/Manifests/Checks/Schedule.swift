internal import Console

/// The schedule of a CronJob: five fields, a name such as `@daily`, or `@every 1h30m`
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>). Kubernetes would refuse most of
/// what is refused here, and never run the rest.
package struct Schedule: Hashable, Sendable, CustomStringConvertible {
  private static let names = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]
  private static let interval = "@every "

  /// Why a text is no schedule, in a clause in which it is `it`.
  package struct Refusal: Error, Hashable, Sendable {
    package let reason: String
  }

  package let description: String

  package init(_ text: String) throws(Refusal) {
    description = text
    guard !zip(text, text.dropFirst()).contains(where: { $0 == ("T", "Z") }) else {
      throw Refusal(reason: "it has a time zone, which Kubernetes takes only in the CronJob's field timeZone")
    }
    if text.hasPrefix("@") { try Self.checkName(text) } else { try Self.checkFields(text) }
  }

  private static func checkName(_ text: String) throws(Refusal) {
    guard !names.contains(text) else { return }
    guard text.hasPrefix(interval) else {
      throw Refusal(reason: "it is none of \(names.joined(separator: ", ")) and @every DURATION")
    }
    guard let seconds = ScheduleInterval.seconds(text.dropFirst(interval.count)), seconds >= 1 else {
      throw Refusal(reason: "it has no duration of at least 1s after @every, such as 90m or 1h30m")
    }
  }

  private static func checkFields(_ text: String) throws(Refusal) {
    let texts = text.split { $0 == " " || $0 == "\t" }
    guard texts.count == ScheduleField.all.count else {
      let names = ScheduleField.all.map(\.name).joined(separator: ", ")
      throw Refusal(
        reason: "it has \(texts.count.counted("field")), and needs these: \(names); or give a name such as @daily")
    }
    var values: [ScheduleField.Values] = []
    for (field, text) in zip(ScheduleField.all, texts) { values.append(try field.values(String(text))) }
    let (days, months, weekdays) = (values[2], values[3], values[4])
    // With days of both kinds, either is enough.
    guard !days.areAll, weekdays.areAll else { return }
    guard months.numbers.contains(where: { days.numbers.min() ?? 0 <= daysOfMonth[$0 - 1] }) else {
      throw Refusal(reason: "it never comes, since none of its months has such a day")
    }
  }

  /// The length of each month, in a leap year for February.
  private static let daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}
