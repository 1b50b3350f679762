/// A time of an AMQP message as ISO 8601 has it; for times that no calendar reaches, the number itself.
public func utcText(secondsSince1970 seconds: UInt64) -> String {
  guard seconds < 253_402_300_800 else { return "\(seconds)" }  // the year 10000
  let (days, second) = (Int(seconds / 86_400), Int(seconds % 86_400))
  // Days counted from 1 March of the year 0, so that a leap day is the last one of its year
  // (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
  let shifted = days + 719_468
  let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  let date = [digits(year, 4), digits(month, 2), digits(day, 2)].joined(separator: "-")
  let time = [second / 3600, second / 60 % 60, second % 60].map { digits($0, 2) }.joined(separator: ":")
  return "\(date)T\(time)Z"
}

private func digits(_ number: Int, _ count: Int) -> String {
  let digits = "\(number)"
  return String(repeating: "0", count: max(0, count - digits.count)) + digits
}
