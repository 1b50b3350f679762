extension Int {
  private static let units: [(name: String, shift: Int)] = [("GiB", 30), ("MiB", 20), ("KiB", 10)]

  /// Reads a number of bytes: `64KiB`, `16MiB`, `1GiB`, `512B`. A number without a unit is bytes.
  package init?(byteCount text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count)
    let shift = unit.isEmpty || unit == "B" ? 0 : Self.units.first(where: { $0.name == unit })?.shift
    guard let number = Int(digits), let shift, number <= 1 << 32 else { return nil }
    self = number << shift
  }

  /// The number of bytes in the largest unit that divides it: `1MiB`.
  package var byteCountText: String {
    let unit = Self.units.first { self > 0 && self % (1 << $0.shift) == 0 }
    return unit.map { "\(self >> $0.shift)\($0.name)" } ?? "\(self)"
  }
}
