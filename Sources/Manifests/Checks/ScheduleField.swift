/// One of the five fields of a schedule, with the rules of Kubernetes: a list of numbers, names and ranges, each with or
/// without a step.
struct ScheduleField: Hashable, Sendable {
  static let all = [
    ScheduleField("minute", 0...59), ScheduleField("hour", 0...23), ScheduleField("day of month", 1...31),
    ScheduleField(
      "month", 1...12,
      names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    ScheduleField("day of week", 0...6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
  ]

  /// What a field selects.
  struct Values: Hashable, Sendable {
    var numbers: Set<Int> = []
    /// The field has `*` or `?`, which limits nothing.
    var areAll = false
  }

  let name: String
  private let range: ClosedRange<Int>
  /// The names of the numbers, from the first on. It is empty if the numbers have none.
  private let names: [String]

  private init(_ name: String, _ range: ClosedRange<Int>, names: [String] = []) {
    (self.name, self.range, self.names) = (name, range, names)
  }

  func values(_ text: String) throws(Schedule.Refusal) -> Values {
    var values = Values()
    for item in text.split(separator: ",") {
      let (numbers, isAll) = try self.item(String(item))
      values.numbers.formUnion(numbers)
      values.areAll = values.areAll || isAll
    }
    guard !values.numbers.isEmpty else { throw refusal("has no value in '\(text)'") }
    return values
  }

  /// An item of the list: `*`, `5`, `1-5`, or one of these with a step, such as `*/15`.
  private func item(_ text: String) throws(Schedule.Refusal) -> (StrideThrough<Int>, isAll: Bool) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { throw refusal("has too many slashes in '\(text)'") }
    let step = parts.count == 1 ? 1 : Int(parts[1]) ?? 0
    guard step > 0 else { throw refusal("has no step from 1 after the slash in '\(text)'") }
    guard parts[0] != "*", parts[0] != "?" else {
      return (stride(from: range.lowerBound, through: range.upperBound, by: step), step == 1)
    }
    let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2 else { throw refusal("has too many hyphens in '\(text)'") }
    let first = try number(ends[0])
    let last = try ends.count == 2 ? number(ends[1]) : parts.count == 2 ? range.upperBound : first
    guard first <= last else { throw refusal("has a range that ends before it begins: '\(text)'") }
    return (stride(from: first, through: last, by: step), false)
  }

  private func number(_ text: Substring) throws(Schedule.Refusal) -> Int {
    if let index = names.firstIndex(of: text.lowercased()) { return range.lowerBound + index }
    guard let number = Int(text), range.contains(number) else {
      let named = names.isEmpty ? "" : " or \(names[0]) to \(names[names.count - 1])"
      throw refusal("is from \(range.lowerBound) to \(range.upperBound)\(named), not '\(text)'")
    }
    return number
  }

  private func refusal(_ predicate: String) -> Schedule.Refusal { Schedule.Refusal(reason: "its \(name) \(predicate)") }
}

/// The duration after `@every`, as the language Go writes it: `90m`, `1h30m`, `1.5h`.
enum ScheduleInterval {
  private static let units: [(name: String, seconds: Double)] = [
    ("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600),
  ]

  /// nil for a text that is no duration.
  static func seconds(_ text: Substring) -> Double? {
    var (rest, seconds) = (text, 0.0)
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      let afterNumber = rest[number.endIndex...]
      guard let count = Double(number), let unit = units.first(where: { afterNumber.hasPrefix($0.name) }) else {
        return nil
      }
      seconds += count * unit.seconds
      rest = afterNumber.dropFirst(unit.name.count)
    }
    return seconds
  }
}
