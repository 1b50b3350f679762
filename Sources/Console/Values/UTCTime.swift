/// A time of an AMQP message in the form of RFC 3339. Times that RFC 3339 cannot express are written as the plain number.
package func utcText(secondsSince1970 seconds: UInt64) -> String {
  seconds < endOfRFC3339 ? "\(timeText(seconds))Z" : "\(seconds)"
}

/// The same with milliseconds.
package func utcText(millisecondsSince1970 milliseconds: UInt64) -> String {
  let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1000)
  return seconds < endOfRFC3339 ? "\(timeText(seconds)).\(digits(Int(fraction), 3))Z" : "\(seconds)"
}

/// The beginning of the year 10000.
private let endOfRFC3339: UInt64 = 253_402_300_800

private func timeText(_ seconds: UInt64) -> String {
  let (days, second) = (Int(seconds / 86_400), Int(seconds % 86_400))
  // Days are counted from 1 March of the year 0, so that a leap day is the last day of its year
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
  return "\(date)T\(time)"
}

private func digits(_ number: Int, _ count: Int) -> String {
  let digits = "\(number)"
  return String(repeating: "0", count: max(0, count - digits.count)) + digits
}

/// Reads a time in the form of RFC 3339, and returns the seconds since 1970-01-01T00:00:00Z. Fractions of a second are dropped.
package func seconds(since1970 text: String) -> UInt64? {
  var rest = text.uppercased().utf8[...]
  guard let year = number(&rest, 4), skip(&rest, "-"), let month = number(&rest, 2, in: 1...12), skip(&rest, "-"),
    let day = number(&rest, 2, in: 1...31), skip(&rest, "T") || skip(&rest, " "),
    let hour = number(&rest, 2, in: 0...23), skip(&rest, ":"), let minute = number(&rest, 2, in: 0...59),
    skip(&rest, ":"), let second = number(&rest, 2, in: 0...60)
  else { return nil }
  if skip(&rest, ".") {
    guard number(&rest, 1) != nil else { return nil }
    while number(&rest, 1) != nil {}
  }
  guard let offset = offset(&rest), rest.isEmpty else { return nil }
  let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
  let isDay = utcText(secondsSince1970: UInt64(max(0, days(year, month, day)) * 86_400)).utf8.prefix(10)
    .elementsEqual(text.utf8.prefix(10))
  return isDay && seconds >= 0 ? UInt64(seconds) : nil
}

/// The days since 1970-01-01, by the same calendar as above.
private func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let year = month <= 2 ? year - 1 : year
  let (era, yearOfEra) = (year / 400, year % 400)
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

/// Takes an offset, such as `Z` or `+01:00`, and returns it in seconds.
private func offset(_ text: inout Substring.UTF8View) -> Int? {
  if skip(&text, "Z") { return 0 }
  let sign = skip(&text, "+") ? 1 : skip(&text, "-") ? -1 : 0
  guard sign != 0, let hour = number(&text, 2, in: 0...23), skip(&text, ":"),
    let minute = number(&text, 2, in: 0...59)
  else { return nil }
  return sign * (hour * 3600 + minute * 60)
}

/// Takes a number of exactly `count` digits.
private func number(_ text: inout Substring.UTF8View, _ count: Int, in range: ClosedRange<Int> = 0...9999) -> Int? {
  let digits = text.prefix(count)
  guard digits.count == count, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
  let value = digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
  guard range.contains(value) else { return nil }
  text = text.dropFirst(count)
  return value
}

private func skip(_ text: inout Substring.UTF8View, _ mark: String) -> Bool {
  guard text.starts(with: mark.utf8) else { return false }
  text = text.dropFirst(mark.utf8.count)
  return true
}
